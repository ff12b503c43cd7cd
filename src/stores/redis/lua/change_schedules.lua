-- Stores schedules and removes others, if those to store and the manifest have not changed since they were read.
-- @arg from text, to text?  the manifest as read, and the new one; none leaves it as it is
-- @arg put rows(key record score:digits read:number?), gone list(text)  the score as read; the keys to remove
-- @reply flag
if to ~= '' then
  local current = call('GET', manifest) or ''
  if current == to then return 1 end
  if current ~= from then return 0 end
end

local records = {}
local scores = {}
local members = {}
for i, schedule in ipairs(put) do
  members[i] = SCHEDULE .. schedule.key
  push(records, schedule.key, schedule.record)
  push(scores, schedule.score, members[i])
end
-- A schedule that is already at the new score may have been stored by an earlier send.
local unsure = {}
local expected = {}
for i, score in ipairs(read_many('ZMSCORE', due, members)) do
  local schedule = put[i]
  if tonumber(score or -1) ~= (schedule.read or -1) then
    if not score or tonumber(score) ~= tonumber(schedule.score) then return 0 end
    push(unsure, schedule.key)
    push(expected, schedule.record)
  end
end
for i, record in ipairs(read_many('HMGET', schedules, unsure)) do
  if record ~= expected[i] then return 0 end
end
local leaving = {}
for i, key in ipairs(gone) do leaving[i] = SCHEDULE .. key end
call_many('HSET', schedules, records)
call_many('ZADD', due, scores)
call_many('ZREM', due, leaving)
call_many('HDEL', schedules, gone)
if to ~= '' then call('SET', manifest, to) end
return 1
