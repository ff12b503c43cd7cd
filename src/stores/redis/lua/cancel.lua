-- Removes a waiting job.
-- ARGV: id, now
-- Returns: 'cancelled' | 'running' | 'missing'
local id, now = ARGV[1], tonumber(ARGV[2])
local score = tonumber(call('ZSCORE', due, id) or -1)
if score < 0 then return 'missing' end
local _, _, leased = unpack_score(score)
if leased == 1 and score >= after(now) then return 'running' end
call('HDEL', jobs, id)
call('ZREM', due, id, LEASE .. id)
add(CANCELLED, 1)
return 'cancelled'
