-- Changes one flow control key. Resuming it counts its slots again (storage.md, "If something is lost").
-- @arg key text, now number, to set|unset|rateReset|paused|resumed
-- @arg only concurrency|rate?  of `set` and `unset`: none for all limits
-- @arg concurrency number?, rate number?, period_ms number?, ordered flag?  of `set`
-- @reply flag  whether the key was paused
load_keys({ key }, now)
local lane = lanes_by_key[key]
touch(lane)
if is_forgotten(lane, now) then forget_past(lane) end

local function change_limits()
  local is_set = to == 'set'
  if only ~= 'rate' then
    if is_set then set_concurrency(lane, concurrency, ordered) end
    set_flag(lane, PINS_CONCURRENCY, is_set)
  end
  if only ~= 'concurrency' then
    if is_set then set_rate(lane, rate, period_ms, now) end
    set_flag(lane, PINS_RATE, is_set)
  end
end

-- Counts the slots from the index of leases. Of the jobs of a run, at least one has a slot.
local function recount()
  local index = call('ZRANGE', due, whole(UPPER + 1024), '(' .. whole(IN_LINE), 'BYSCORE', 'WITHSCORES')
  local ids = {}
  for i = 1, #index, 2 do push(ids, string.sub(index[i], #LEASE + 1)) end
  local leases = {}
  for i, record in ipairs(read_many('HMGET', jobs, ids)) do
    local ends = unpack_score(tonumber(index[2 * i]) - UPPER)
    if flow_of(record) == key then leases[ends] = (leases[ends] or 0) + 1 end
  end
  local waiting = lane.waiting
  lane.waiting = {}
  lane.running = 0
  for ends, count in pairs(leases) do
    local still_waiting = math.min(waiting[ends] or 0, count - 1)
    lane.waiting[ends] = still_waiting > 0 and still_waiting or nil
    lane.running = lane.running + count - still_waiting
  end
end

local was_paused = has(lane, HELD)
if to == 'resumed' then recount() end
if to == 'set' or to == 'unset' then change_limits()
elseif to == 'rateReset' then
  lane.started = 0
  lane.ends = 0
else set_flag(lane, HELD, to == 'paused') end
commit_keys(now, {})
return was_paused and 1 or 0
