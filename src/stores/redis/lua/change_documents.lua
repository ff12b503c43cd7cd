-- Stores and removes documents: all of them, or none if one has changed since it was read.
-- @arg now number, changes rows(name read to:put|remove mark expires:digits text)
-- @reply flag
-- `name` is KIND:NAME, `read` the mark as read ('' for none, '*' for any). One that never expires does so at 0.
-- A document is stored as EXPIRES:MARK:text, so that it expires for readers at once. Expired ones are removed whenever
-- one that expires is stored.
local names = {}
local depends = false
for i, change in ipairs(changes) do
  names[i] = change.name
  depends = depends or change.read ~= '*'
end

-- When a document expires; 0 for never, and if there is none.
local function expiry_of(text)
  return tonumber(string.match(text or '', '^%d+') or 0)
end

local function has_expired(text)
  local expires = expiry_of(text)
  return expires > 0 and expires <= now
end

local stored = depends and read_many('HMGET', documents, names) or {}
for i, change in ipairs(depends and changes or {}) do
  local mark = not has_expired(stored[i]) and string.match(stored[i] or '', '^%d+:([^:]*):') or ''
  local is_done = mark == (change.to == 'put' and change.mark or '')
  if not is_done and change.read ~= '*' and change.read ~= mark then return 0 end
end

local texts = {}
local members = {}
local ends = {}
local gone = {}
for _, change in ipairs(changes) do
  if change.to == 'put' then
    push(texts, change.name, change.expires .. ':' .. change.mark .. ':' .. change.text)
    push(members, 0, change.name)
    if change.expires ~= '0' then push(ends, change.expires, change.name) end
  else
    push(gone, change.name)
  end
end
local passed = #ends > 0 and call('ZRANGE', document_ends, '-inf', whole(now), 'BYSCORE', 'LIMIT', 0, PIECE) or {}
call_many('HSET', documents, texts)
call_many('ZADD', document_names, members)
call_many('ZADD', document_ends, ends)
local outdated = {}
for n, text in ipairs(read_many('HMGET', documents, passed)) do
  -- One that has been stored again since stays: it may expire later, or never.
  if expiry_of(text) <= now then push(outdated, passed[n]) end
  if has_expired(text) then push(gone, passed[n]) end
end
call_many('ZREM', document_names, gone)
call_many('HDEL', documents, gone)
call_many('ZREM', document_ends, outdated)
return 1
