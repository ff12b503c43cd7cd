-- Counts waiting jobs by name. Only the names leave Redis, not the records.
-- @arg now number, most_members number  up to how many members of `due` are read one by one
-- @arg sample number, most_bytes number  how many are read of more, and of which records
-- @reply total number, read number, is_part flag, names rows(name count:number)  of those that were read
local range = call('ZRANGE', due, 0, most_members, 'WITHSCORES')
local is_whole = #range <= 2 * most_members
local all = #range / 2
if not is_whole then
  all = call('ZCARD', due)
  range = call('ZRANDMEMBER', due, sample, 'WITHSCORES')
end

local function waits(member, score)
  if not is_job(member) then return false end
  local _, _, leased = unpack_score(score)
  return score < after(now) or score >= IN_LINE or leased == 0
end

local waiting = {}
for i = 1, #range, 2 do
  if waits(range[i], tonumber(range[i + 1])) then push(waiting, range[i]) end
end

-- Reads them in an order that has nothing to do with their times, in case not all of them are read: a prime above their
-- number meets each of them once.
local STRIDE = 7919
local ids = {}
for i = 1, #waiting do ids[i] = waiting[i * STRIDE % #waiting + 1] end
local records, fitting = read_fitting(jobs, ids, most_bytes)

-- How records begin, after the digit of their version.
local START = ':{"name":"'
local KEY = '^2:%d+:[^:]+:%d+:%d+:%d+:%d:()'

-- The name in a record: the text between quotes, as JSON has it.
local function name_in(record)
  local first = string.match(record, KEY) or 1
  if string.sub(record, first + 1, first + #START) ~= START then return '' end
  first = first + #START + 1
  local at = first
  while true do
    at = string.find(record, '["\\]', at)
    if not at then return '' end
    if string.byte(record, at) == 34 then return string.sub(record, first, at - 1) end
    at = at + 2
  end
end

local counts = {}
local read = 0
for i = 1, fitting do
  if records[i] then
    local name = name_in(records[i])
    counts[name] = (counts[name] or 0) + 1
    read = read + 1
  end
end
local is_part = not is_whole or fitting < #waiting
local total = is_whole and #waiting or math.floor(all * #waiting / (#range / 2) + 0.5)
local reply = { total, read, is_part and 1 or 0 }
for name, count in pairs(counts) do push(reply, name, count) end
return reply
