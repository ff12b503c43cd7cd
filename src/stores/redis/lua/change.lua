-- Rewrites a waiting job if it has not changed since it was read.
-- ARGV: id, time and claims as read, new score, record ('' for unchanged), '2:ORDER:KEY:...:' of its flow control key
--   ('' for none)
-- Returns: 1 or 0
local id, name, new_score, head = ARGV[1], BORN .. ARGV[1], tonumber(ARGV[4]), ARGV[6]
local record = ARGV[5] ~= '' and head .. ARGV[5]
local scores = call('ZMSCORE', due, id, name)
local stored = tonumber(scores[1] or scores[2] or -1)
local in_line = stored >= IN_LINE
local score = in_line and stored - IN_LINE or stored
local time, claims = unpack_score(score)
local unchanged = time == tonumber(ARGV[2]) and claims == tonumber(ARGV[3])
local repeated = score == new_score and (not record or call('HGET', jobs, id) == record)
if not unchanged and not repeated then return 0 end
-- If it was leased at enqueue, it continues under its id. It is under both names if a command has failed before.
local first = scores[2] and read_born({ name }, { scores[2] })[name]
if not scores[1] then record = record or first end
if record then call('HSET', jobs, id, record) end
local key, order = flow_of(head)
if not key then
  call('ZADD', due, ARGV[4], id)
  if scores[2] then call('ZREM', due, name, born_index(id, first or '')) end
  return 1
end
load_lanes({ key })
local lane, adding = lane_of[key], { whole(IN_LINE + new_score), id }
if not in_line then finish(lane) end
if score ~= new_score or not in_line then
  if in_line then remove(lane, order, score, id) end
  insert(lane, order, new_score, id)
end
commit_lanes(0, adding, {})
return 1
