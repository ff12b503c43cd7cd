-- Changes one flow control key.
-- ARGV: key, now, 'set' | 'unset' | 'rateReset' | 'paused' | 'resumed', then for 'set' and 'unset': '' for all limits,
--   'concurrency' | 'rate',
-- and for 'set': concurrency, rate, period, ordered
local key, now, to, only = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
load_lanes({ key }, now)
local lane, adding, removing = lane_of[key], {}, {}
if is_forgotten(lane, now) then
  local original = lane.original
  lane = parse(key)
  lane.original, lane_of[key] = original, lane
end
touch(lane)
if to == 'set' and only ~= 'rate' then set_concurrency(lane, tonumber(ARGV[5]), ARGV[8] == '1') end
if to == 'set' and only ~= 'concurrency' then set_rate(lane, tonumber(ARGV[6]), tonumber(ARGV[7]), now) end
if to == 'set' or to == 'unset' then
  local concurrency, rate = pins(lane, FREE_CONCURRENCY), pins(lane, FREE_RATE)
  if only ~= 'rate' then concurrency = to == 'set' end
  if only ~= 'concurrency' then rate = to == 'set' end
  set_flag(lane, PINNED, concurrency or rate)
  set_flag(lane, FREE_CONCURRENCY, rate and not concurrency)
  set_flag(lane, FREE_RATE, concurrency and not rate)
elseif to == 'rateReset' then lane.started, lane.ends = 0, 0
else set_flag(lane, HELD, to == 'paused') end
commit_lanes(now, adding, removing)
surely('ZREM', due, removing)
return 1
