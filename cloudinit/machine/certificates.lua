-- The certificates that Nginx serves. The master reads them as root when it starts.
-- The agent hands over what is new, by a socket that only root reaches. So a renewed
-- certificate serves with the next handshake, without a reload, which would close
-- idle connections under their clients; and no file with a key is readable by the
-- workers, in which an error could serve a file.
local ffi = require "ffi"
local ssl = require "ngx.ssl"

local shared = ngx.shared.certificates
local M = {}

-- host is the subject whose certificate serves unknown names. parsed are the
-- certificates of this process, by subject. seen is the version of what is shared
-- that they were held against.
local host
local parsed = {}
local seen

-- parse returns a certificate and its key. Its id is in the first line.
local function parse(content)
	local id = content:match("^# (%x+)\n")
	if not id then return nil, "the file does not begin with an id" end
	local cert, err = ssl.parse_pem_cert(content)
	if not cert then return nil, err end
	local key
	key, err = ssl.parse_pem_priv_key(content)
	if not key then return nil, err end
	return { id = id, cert = cert, key = key }
end

local function keep(subject, content)
	local new, err = parse(content)
	if not new then return nil, err end
	-- The content first: a worker that sees the id reads it.
	local ok
	ok, err = shared:safe_set("content " .. subject, content)
	if ok then ok, err = shared:safe_set("id " .. subject, new.id) end
	if ok then ok, err = shared:incr("version", 1, 0) end
	if not ok then return nil, err end
	parsed[subject] = new
	return new.id
end

-- load reads the subjects' files. It runs in the master.
function M.load(folder, ...)
	host = ...
	for _, subject in ipairs { ... } do
		local file = io.open(folder .. subject .. ".pem")
		if file then
			local content = file:read("*a")
			file:close()
			local id, err = keep(subject, content)
			if not id then ngx.log(ngx.ERR, "the certificate of ", subject, " is not used: ", err) end
		end
	end
end

-- refresh parses what is new. What cannot be parsed changes nothing.
local function refresh()
	for _, name in ipairs(shared:get_keys(0)) do
		local subject = name:match("^id (.*)")
		local known = subject and parsed[subject]
		if subject and not (known and known.id == shared:get(name)) then
			local new, err = parse(shared:get("content " .. subject) or "")
			if new then
				parsed[subject] = new
				ngx.log(ngx.NOTICE, "certificate ", new.id, " of ", subject, " serves")
			else
				ngx.log(ngx.ERR, "the certificate of ", subject, " is not used: ", err)
			end
		end
	end
end

-- Session tickets. Nginx 1.22 gives OpenSSL no key for them, so each process of each
-- machine has its own. share gives all of them the stack's, with OpenSSL's own call.
-- Tickets are for TLS 1.3 alone, where they cost no forward secrecy; TLS 1.2 has a
-- cache of sessions in the machine's memory. Neither nginx nor its Lua has a
-- function for it, and the layout of the two structs is that of Debian's ABI
-- (nginx-abi-1.22.1-7): another version of Nginx leaves tickets as they are.
local share = function() end
if ngx.config.nginx_version == 1022001 and ffi.abi("64bit") then
	ffi.cdef [[
	struct escala_ssl { void *connection; };
	struct escala_connection {
		void *data, *read, *write; int fd; void *recv, *send, *recv_chain, *send_chain;
		void *listening; int64_t sent; void *log, *pool; int type; void *sockaddr;
		unsigned socklen; size_t text_length; void *text; void *proxy_protocol;
		struct escala_ssl *ssl;
	};
	struct escala_request { uint32_t signature; struct escala_connection *connection; };
	void *SSL_get_SSL_CTX(const void *ssl);
	uint64_t SSL_set_options(void *ssl, uint64_t options);
	int SSL_set_session_id_context(void *ssl, const char *context, unsigned length);
	int SSL_CTX_set_session_id_context(void *ctx, const char *context, unsigned length);
	long SSL_CTX_ctrl(void *ctx, int cmd, long number, void *pointer);
	]]
	local get_request = require("resty.core.base").get_request
	local signature, no_ticket, set_keys, tls12 = 0x50545448, 0x4000, 59, 0x0303
	share = function(changed)
		local old = ssl.get_tls1_version() == tls12
		if not old and not changed then return end
		local r = ffi.cast("struct escala_request *", get_request())
		if r == nil or r.signature ~= signature or r.connection == nil or r.connection.ssl == nil then return end
		local connection = r.connection.ssl.connection
		if old then ffi.C.SSL_set_options(connection, no_ticket) end
		local keys = changed and shared:get("tickets")
		if not keys or #keys ~= 80 then return end
		-- A session belongs to a context, which Nginx derives from its static
		-- certificate. It is the same on all machines.
		local ctx = ffi.C.SSL_get_SSL_CTX(connection)
		ffi.C.SSL_set_session_id_context(connection, "escala", 6)
		ffi.C.SSL_CTX_set_session_id_context(ctx, "escala", 6)
		ffi.C.SSL_CTX_ctrl(ctx, set_keys, 80, ffi.cast("void *", ffi.cast("const char *", keys)))
	end
end

-- handshake sets the certificate of the name that the client asks for, or the
-- host's. Before the first one, Nginx's own serves, which no client trusts.
function M.handshake()
	local version = shared:get("version")
	local changed = version ~= seen
	if changed then
		refresh()
		seen = version
	end
	share(changed)
	local name = ssl.server_name()
	local found = name and (parsed[name] or parsed[name:lower()]) or parsed[host]
	if not found then return end
	ssl.clear_certs()
	ssl.set_cert(found.cert)
	ssl.set_priv_key(found.key)
end

-- challenge answers an HTTP-01 challenge: the token, and the account's thumbprint.
function M.challenge()
	local token = ngx.var.uri:match("^/%.well%-known/acme%-challenge/([%w_-]+)$")
	local thumbprint = shared:get("thumbprint")
	if not token or not thumbprint then return ngx.exit(404) end
	ngx.header.content_type = "text/plain"
	ngx.print(token, ".", thumbprint)
end

-- receive is the agent's side: GET lists what serves, PUT replaces one thing.
function M.receive()
	local what, subject = ngx.var.uri:match("^/(%a+)/?(.*)$")
	if ngx.req.get_method() ~= "PUT" then
		for _, key in ipairs(shared:get_keys(0)) do
			if key:find("^id ") or key == "thumbprint" then ngx.say(key, " ", shared:get(key)) end
			if key == "tickets" then ngx.say(key, " ", ngx.encode_base64(shared:get(key))) end
		end
		return
	end
	ngx.req.read_body()
	local body, ok, err = ngx.req.get_body_data() or ""
	if what == "certificate" then
		ok, err = keep(subject, body)
	elseif what == "thumbprint" or what == "tickets" then
		ok, err = shared:safe_set(what, body)
		if ok then ok, err = shared:incr("version", 1, 0) end
	else
		err = "no such thing"
	end
	if not ok then
		ngx.status = 400
		ngx.say(err)
	end
end

return M
