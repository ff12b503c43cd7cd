-- Removes a waiting job.
-- ARGV: id, now
-- Returns: 'cancelled' | 'running' | 'missing'
local id, now = ARGV[1], tonumber(ARGV[2])
local score = tonumber(call('ZSCORE', due, id) or -1)
if score < 0 then return 'missing' end
local in_line = score >= IN_LINE
local _, _, leased = unpack_score(score)
if not in_line and leased == 1 and score >= after(now) then return 'running' end
local adding, removing = {}, { id, LEASE .. id }
-- A job that waits by itself has no key. One whose lease ran out may have one.
local key, order = flow_of((in_line or leased == 1) and call('HGET', jobs, id))
if key then
  load_lanes({ key })
  if in_line then remove(lane_of[key], order, score - IN_LINE, id) else finish(lane_of[key]) end
  put_marks(adding, removing)
  store_lanes(now)
  clear_lanes()
end
call_many('ZADD', due, adding)
call('HDEL', jobs, id)
call_many('ZREM', due, removing)
add(CANCELLED, 1)
return 'cancelled'
