-- Moves jobs from the dead letter back to the waiting ones.
-- ARGV: resend (1 if an earlier send may have arrived), now, then for each job: id, when it died, new score, record,
--   KEY:CONCURRENCY:RATE:PERIOD:ORDERED: of its flow control key ('' for none)
-- Returns: 1 or 0 for each; 0 if the job has not been dead since then
local resend = ARGV[1] == '1'
local now = tonumber(ARGV[2])
local list = rows(3, #ARGV, { 'id', 'died', 'score', 'record', 'flow' })
local ids, keys, born = {}, {}, {}
for _, job in ipairs(list) do
  job.place = job.score
  if job.flow ~= '' then
    job.place = whole(IN_LINE + job.score)
    push(keys, string.match(job.flow, '^[^:]+'))
  end
  push(ids, job.id)
  -- An occurrence that was made anew may have been leased as it was made. Other ids are not used twice under that name.
  if string.find(job.id, '@', 1, true) then push(born, BORN .. job.id) end
end
load_lanes(keys, now)
local is_born = {}
for i, score in ipairs(read_many('ZMSCORE', due, born)) do is_born[born[i]] = score end
local died, reply, seen = read_many('ZMSCORE', dead, ids), {}, {}
local retrying, waiting, retried_ids = {}, {}, {}
for i, job in ipairs(list) do
  local lies = died[i] and tonumber(died[i]) == tonumber(job.died) and not seen[job.id]
  -- Retried by an earlier send, it may have died again in the same millisecond.
  if lies and resend then lies = not is_own(call('HGET', dead_jobs, job.id), job.record) end
  push(reply, (lies or (resend and was_stored(job.id, job.record))) and 1 or 0)
  if lies and is_born[BORN .. job.id] then
    reply[i] = 0
  elseif lies then
    seen[job.id], job.at = true, i
    push(retrying, job)
    push(retried_ids, job.id)
    push(waiting, job.place, job.id)
  end
end

-- A job that is already there keeps its lease and its record: a new job with the same id, or the one that an earlier
-- send had added before a command failed.
local there, scores = {}, {}
for first = 1, #waiting, PIECE do
  local last = math.min(first + PIECE - 1, #waiting)
  if call('ZADD', due, 'NX', unpack(waiting, first, last)) * 2 < last - first + 1 then there = false end
end
if not there then there, scores = read_many('HMGET', jobs, retried_ids), read_many('ZMSCORE', due, retried_ids) end
local records, retried, left, joined, marks = {}, {}, {}, {}, {}
for i, job in ipairs(retrying) do
  local is_new = not there[i] and (not scores[i] or tonumber(scores[i]) == tonumber(job.place))
  local head = ''
  if is_new and job.flow ~= '' then
    local lane, order
    lane, order, head = join(job.flow, false, now)
    insert(lane, order, tonumber(job.score), job.id)
    push(joined, job.id)
  end
  if is_new then push(records, job.id, head .. job.record) end
  if is_new or is_own(there[i], job.record) then
    push(retried, job.id)
    push(left, job.id, entry_of(job.died, job.id))
  else
    reply[job.at] = 0
  end
end
call_many('HSET', jobs, records)
-- Without its place in a line, a job must look like one that has not been retried yet.
commit_lanes(now, marks, {}, function() call_many('HDEL', jobs, joined) end)
call_many('HDEL', dead_jobs, retried)
call_many('ZREM', dead, left)
if #retried > 0 then add(RETRIED_DEAD, #retried) end
return reply
