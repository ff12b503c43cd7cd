-- Rewrites a waiting job if it still stands as it was read.
-- ARGV: id, time and claims as read, new score, record ('' for unchanged)
-- Returns: 1 or 0
local score = tonumber(call('ZSCORE', due, ARGV[1]) or -1)
local time, claims = unpack_score(score)
local unchanged = time == tonumber(ARGV[2]) and claims == tonumber(ARGV[3])
local repeated = score == tonumber(ARGV[4]) and (ARGV[5] == '' or call('HGET', jobs, ARGV[1]) == ARGV[5])
if not unchanged and not repeated then return 0 end
if ARGV[5] ~= '' then call('HSET', jobs, ARGV[1], ARGV[5]) end
call('ZADD', due, ARGV[4], ARGV[1])
return 1
