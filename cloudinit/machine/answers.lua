-- How many answers of each release there were, and how many of them had a status of
-- 500 or above. The agent asks over a socket that only root reaches, to watch a
-- release after it serves.
local shared = ngx.shared.answers
local M = {}

-- load notes when Nginx started. It runs in the master, also at a reload, after which
-- the counts go on.
function M.load()
	shared:add("since", ngx.now() .. " " .. ngx.worker.pid())
end

-- count counts the answer to a request. An error of Nginx itself has no release.
function M.count()
	local upstream = ngx.ctx.upstream
	local release = upstream and upstream.release or ngx.var.upstream_http_x_release
	local failed = ngx.status >= 500
	if not release or #release ~= 64 then
		if not failed then return end
		release = "-"
	end
	shared:incr("a" .. release, 1, 0)
	if failed then shared:incr("f" .. release, 1, 0) end
end

-- serve answers the agent: a line with the start, and one for each release.
function M.serve()
	ngx.say("since ", shared:get("since"))
	for _, name in ipairs(shared:get_keys(0)) do
		local release = name:match("^a(%S+)$")
		if release then
			ngx.say(release, " ", shared:get(name), " ", shared:get("f" .. release) or 0)
		end
	end
end

return M
