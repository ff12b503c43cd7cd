-- Removes a waiting job, or a running one too.
-- ARGV: id, now, whether it may run (0 or 1)
-- Returns: 'cancelled' | 'running' | 'missing'
local id, now = ARGV[1], tonumber(ARGV[2])
local name = BORN .. id
local scores = call('ZMSCORE', due, id, name)
local score = tonumber(scores[1] or scores[2] or -1)
if score < 0 then return 'missing' end
local in_line = score >= IN_LINE
local _, _, leased = unpack_score(score)
if not in_line and leased == 1 and score >= after(now) and ARGV[3] == '0' then return 'running' end
local adding, removing = {}, { id, LEASE .. id }
-- A job that waits outside of lines has no key. One with a lease may have one.
local key, order = flow_of(scores[1] and (in_line or leased == 1) and call('HGET', jobs, id))
if not scores[1] then removing = { name, born_index(id, read_born({ name }, { scores[2] })[name] or '') } end
if key then
  load_lanes({ key })
  if in_line then remove(lane_of[key], order, score - IN_LINE, id) else finish(lane_of[key]) end
  commit_lanes(now, adding, removing)
end
if scores[1] then surely('HDEL', jobs, { id }) end
surely('ZREM', due, removing)
add(CANCELLED, 1)
return 'cancelled'
