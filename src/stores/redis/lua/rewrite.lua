-- Replaces records of jobs, each if it is still as it was read. Nothing else of a job changes.
-- @arg where live|dead|completed, rewrites rows(id from record)
-- @reply list(flag)  0: the record has changed or is gone. An earlier send counts.
local hash = ({ live = jobs, dead = dead_jobs, completed = jobs })[where]
local ids = {}
for i, rewrite in ipairs(rewrites) do ids[i] = rewrite.id end

local function ends_with(text, tail)
  return string.sub(text, -#tail) == tail
end

local replies = {}
local fields = {}
for i, stored in ipairs(read_many('HMGET', hash, ids)) do
  local from, record = rewrites[i].from, rewrites[i].record
  local is_as_read = stored and ends_with(stored, from)
  replies[i] = (is_as_read or (stored and ends_with(stored, record))) and 1 or 0
  -- What is known of a key stands before the record.
  if is_as_read then push(fields, ids[i], string.sub(stored, 1, -#from - 1) .. record) end
end
if #fields == 0 then return replies end
if where == 'completed' and not OWN_EXPIRY then
  commands = commands + 1
  local stored = redis.pcall('HSETEX', jobs, 'KEEPTTL', 'FIELDS', #fields / 2, unpack(fields))
  local problem = type(stored) == 'table' and stored.err
  if not problem then return replies end
  -- Without HSETEX, a sorted set holds when fields expire, and HSET leaves that as it is.
  if not string.find(problem, 'nknown ') then error(problem, 0) end
end
call_many('HSET', hash, fields)
return replies
