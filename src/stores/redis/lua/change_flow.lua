-- Changes one flow control key.
-- ARGV: key, now, 'set' | 'unset' | 'rateReset' | 'paused' | 'resumed', then for 'set': concurrency, rate, period, ordered
local key, now, to = ARGV[1], tonumber(ARGV[2]), ARGV[3]
load_lanes({ key }, now)
local lane, adding, removing = lane_of[key], {}, {}
if is_forgotten(lane, now) then
  local original = lane.original
  lane = parse(key)
  lane.original, lane_of[key] = original, lane
end
touch(lane)
if to == 'set' then
  set_limits(lane, tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == '1', now)
end
if to == 'set' or to == 'unset' then set_flag(lane, PINNED, to == 'set')
elseif to == 'rateReset' then lane.started, lane.ends = 0, 0
else set_flag(lane, HELD, to == 'paused') end
commit_lanes(now, adding, removing)
surely('ZREM', due, removing)
return 1
