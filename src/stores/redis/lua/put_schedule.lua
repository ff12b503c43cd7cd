-- Stores a schedule, in place of the one with its key, if that one has not changed since it was read.
-- ARGV: key, record, score, score as read ('' for none)
-- Returns: 1 or 0
local member = SCHEDULE .. ARGV[1]
local stands = tonumber(call('ZSCORE', due, member) or -1)
local repeated = stands == tonumber(ARGV[3]) and call('HGET', schedules, ARGV[1]) == ARGV[2]
if stands ~= tonumber(ARGV[4] ~= '' and ARGV[4] or -1) and not repeated then return 0 end
call('HSET', schedules, ARGV[1], ARGV[2])
call('ZADD', due, ARGV[3], member)
return 1
