-- Stores and removes documents: all of them, or none if one has changed since it was read.
-- ARGV: now, then for each: KIND:NAME, mark as read ('' for none, '*' for any), 'put' | 'remove', mark, when it expires
--   (0 for never), text
-- Returns: 1 or 0
-- A document is stored as EXPIRES:MARK:text, so that it expires for readers at once. Expired ones are removed whenever one that
-- expires is stored.
local now, places, depends = tonumber(ARGV[1]), {}, false
for i = 2, #ARGV, 6 do
  push(places, ARGV[i])
  depends = depends or ARGV[i + 1] ~= '*'
end

-- When a document expires; 0 for never, and if there is none.
local function expiry_of(text)
  return tonumber(string.match(text or '', '^%d+') or 0)
end

local function has_expired(text)
  local expires = expiry_of(text)
  return expires > 0 and expires <= now
end

local stored = depends and read_many('HMGET', documents, places) or {}
for n = 1, depends and #places or 0 do
  local i = n * 6 - 4
  local read, mark = ARGV[i + 1], not has_expired(stored[n]) and string.match(stored[n] or '', '^%d+:([^:]*):') or ''
  local is_done = mark == (ARGV[i + 2] == 'put' and ARGV[i + 3] or '')
  if not is_done and read ~= '*' and read ~= mark then return 0 end
end

local texts, names, ends, gone = {}, {}, {}, {}
for i = 2, #ARGV, 6 do
  if ARGV[i + 2] == 'put' then
    push(texts, ARGV[i], ARGV[i + 4] .. ':' .. ARGV[i + 3] .. ':' .. ARGV[i + 5])
    push(names, 0, ARGV[i])
    if ARGV[i + 4] ~= '0' then push(ends, ARGV[i + 4], ARGV[i]) end
  else
    push(gone, ARGV[i])
  end
end
local passed = #ends > 0 and call('ZRANGE', document_ends, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, PIECE) or {}
call_many('HSET', documents, texts)
call_many('ZADD', document_names, names)
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
