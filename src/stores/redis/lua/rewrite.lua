-- Replaces records of jobs, each if it is still as it was read. Nothing else of a job changes.
-- ARGV: 'live' | 'dead' | 'completed', then for each job: id, record as read, new record
-- Returns: for each job: 1, or 0 if its record has changed or is gone. An earlier send counts.
local hash = ({ live = jobs, dead = dead_jobs, completed = done })[argument()]
local ids = {}
local before = {}
local after_it = {}
for i, text in ipairs(rest_of_arguments()) do
  push(({ ids, before, after_it })[(i - 1) % 3 + 1], text)
end

local function ends_with(text, tail)
  return string.sub(text, -#tail) == tail
end

local replies = {}
local fields = {}
for i, stored in ipairs(read_many('HMGET', hash, ids)) do
  local is_as_read = stored and ends_with(stored, before[i])
  replies[i] = (is_as_read or (stored and ends_with(stored, after_it[i]))) and 1 or 0
  -- What is known of a key stands before the record.
  if is_as_read then push(fields, ids[i], string.sub(stored, 1, -#before[i] - 1) .. after_it[i]) end
end
if #fields == 0 then return replies end
if hash == done and not OWN_EXPIRY then
  local stored = try('HSETEX', done, 'KEEPTTL', 'FIELDS', #fields / 2, unpack(fields))
  local problem = type(stored) == 'table' and stored.err
  if not problem then return replies end
  -- Without HSETEX, a sorted set holds when fields expire, and HSET leaves that as it is.
  if not string.find(problem, 'nknown ') then error(problem, 0) end
end
call_many('HSET', hash, fields)
return replies
