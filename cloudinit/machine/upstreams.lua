-- The workers that get requests, for programs that know nothing of drains. The agent
-- says which, over a socket that only root reaches, without a reload; it asks how
-- many requests each of them still has before it ends one.
local balancer = require "ngx.balancer"

local shared = ngx.shared.upstreams
local M = {}

-- list are the upstreams of this process, in the order of their workers, with the
-- names under which it counts their requests (r) and WebSockets (w). turn counts its
-- requests.
local list, version, turn = {}, nil, 0

local function set(text)
	shared:set("list", text)
	shared:incr("version", 1, 0)
end

-- load reads the list that the agent wrote last. It runs in the master.
function M.load(path)
	local file = io.open(path)
	if file then
		set(file:read("*a"))
		file:close()
	end
end

local function current()
	local now = shared:get("version")
	if now ~= version then
		list = {}
		for port, worker, release in (shared:get("list") or ""):gmatch("(%d+) (%d+) (%S+)\n") do
			local counted = port .. " " .. ngx.worker.pid()
			list[#list + 1] = { port = tonumber(port), worker = worker, release = release, r = "r" .. counted, w = "w" .. counted }
		end
		version = now
	end
	return list
end

local function leave(ctx)
	if not ctx.counted then return end
	shared:incr(ctx.counted, -1)
	ctx.counted = nil
end

-- enter counts the request at an upstream. It fails if the list has changed since
-- the upstream was chosen: the agent may have looked before the request was counted.
local function enter(ctx, upstream)
	ctx.counted = upstream[ctx.kind]
	shared:incr(ctx.counted, 1, 0)
	if shared:get("version") == version then return true end
	leave(ctx)
	return false
end

-- balance chooses an upstream: the next one, or with affinity the one of the
-- client's address; after a failed attempt the one behind.
function M.balance(affinity)
	local ctx = ngx.ctx
	leave(ctx)
	if not ctx.kind then
		local upgrade = ngx.var.http_upgrade
		ctx.kind = upgrade and upgrade:lower() == "websocket" and "w" or "r"
		if affinity then
			ctx.turn = ngx.crc32_short(ngx.var.remote_addr)
		else
			turn = turn + 1
			ctx.turn = turn
		end
		ctx.attempt = 0
	end
	for _ = 1, 10 do
		local all = current()
		if #all == 0 then break end
		if ctx.attempt == 0 and #all > 1 then balancer.set_more_tries(#all - 1) end
		local upstream = all[(ctx.turn + ctx.attempt) % #all + 1]
		if enter(ctx, upstream) then
			ctx.attempt = ctx.attempt + 1
			ctx.upstream = upstream
			return balancer.set_current_peer("127.0.0.1", upstream.port)
		end
	end
	-- Nothing listens there, so the answer is 502; ngx.exit would make it 500.
	return balancer.set_current_peer("127.0.0.1", 1)
end

-- header tells which release and which worker answered.
function M.header()
	local upstream = ngx.ctx.upstream
	if upstream then
		ngx.header["X-Release"] = upstream.release
		ngx.header["X-Worker"] = upstream.worker
	end
end

function M.log() leave(ngx.ctx) end

-- serve answers the agent.
function M.serve()
	if ngx.req.get_method() == "PUT" then
		ngx.req.read_body()
		set(ngx.req.get_body_data() or "")
		return
	end
	if ngx.var.uri ~= "/busy" then
		ngx.print(shared:get("list") or "")
		return
	end
	for _, name in ipairs(shared:get_keys(0)) do
		local port, pid = name:match("^r(%d+) (%d+)$")
		local n = port and shared:get(name) or 0
		if n > 0 then ngx.say(port, " ", pid, " ", n) end
	end
end

return M
