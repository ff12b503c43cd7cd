-- Stores schedules and removes others, if those to store and the manifest have not changed since they were read.
-- ARGV: manifest as read ('' for none), new manifest ('' leaves it as it is), number of schedules to store, then for
--   each: key, record, score, score as read ('' for none), then the keys to remove
-- Returns: 1 or 0
local from = argument()
local to = argument()
if to ~= '' then
  local current = call('GET', manifest) or ''
  if current == to then return 1 end
  if current ~= from then return 0 end
end

local put = {}
local records = {}
local scores = {}
local members = {}
for i = 1, number_argument() do
  put[i] = { key = argument(), record = argument(), score = argument(), read = number_argument() or -1 }
  members[i] = SCHEDULE .. put[i].key
  push(records, put[i].key, put[i].record)
  push(scores, put[i].score, members[i])
end
-- A schedule that is already at the new score may have been stored by an earlier send.
local unsure = {}
local expected = {}
for i, score in ipairs(read_many('ZMSCORE', due, members)) do
  local schedule = put[i]
  if tonumber(score or -1) ~= schedule.read then
    if not score or tonumber(score) ~= tonumber(schedule.score) then return 0 end
    push(unsure, schedule.key)
    push(expected, schedule.record)
  end
end
for i, record in ipairs(read_many('HMGET', schedules, unsure)) do
  if record ~= expected[i] then return 0 end
end
local gone = rest_of_arguments()
local leaving = {}
for i, key in ipairs(gone) do leaving[i] = SCHEDULE .. key end
call_many('HSET', schedules, records)
call_many('ZADD', due, scores)
call_many('ZREM', due, leaving)
call_many('HDEL', schedules, gone)
if to ~= '' then call('SET', manifest, to) end
return 1
