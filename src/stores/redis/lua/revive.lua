-- Takes jobs out of the dead letter, back among those that wait.
-- ARGV: resend (1 where an earlier send may have arrived), then for each job: id, when it died, new score, record
-- Returns: 1 or 0 for each; 0 where the job does not lie dead since then
local resend, list, ids = ARGV[1] == '1', {}, {}
for at = 2, #ARGV, 4 do
  push(list, { id = ARGV[at], died = ARGV[at + 1], score = ARGV[at + 2], record = ARGV[at + 3] })
  push(ids, ARGV[at])
end
local died, reply, seen = read_many('ZMSCORE', dead, ids), {}, {}
local reviving, waiting, revived_ids = {}, {}, {}
for i, job in ipairs(list) do
  local lies = died[i] and tonumber(died[i]) == tonumber(job.died) and not seen[job.id]
  -- Revived by an earlier send, it may have died again in the same millisecond.
  if lies and resend then lies = not is_own(call('HGET', dead_jobs, job.id), job.record) end
  push(reply, (lies or (resend and was_stored(job.id, job.record))) and 1 or 0)
  if lies then
    seen[job.id], job.place = true, i
    push(reviving, job)
    push(revived_ids, job.id)
    push(waiting, job.score, job.id)
  end
end

-- Whoever stands there already keeps his lease and his record: a job that was made anew under the id, or what an earlier send had
-- added when a command failed.
local standing, scores = {}, {}
for first = 1, #waiting, PIECE do
  local last = math.min(first + PIECE - 1, #waiting)
  if call('ZADD', due, 'NX', unpack(waiting, first, last)) * 2 < last - first + 1 then standing = false end
end
if not standing then standing, scores = read_many('HMGET', jobs, revived_ids), read_many('ZMSCORE', due, revived_ids) end
local records, revived = {}, {}
for i, job in ipairs(reviving) do
  local is_new = not standing[i] and (not scores[i] or tonumber(scores[i]) == tonumber(job.score))
  if is_new then push(records, job.id, job.record) end
  if is_new or is_own(standing[i], job.record) then push(revived, job.id) else reply[job.place] = 0 end
end
call_many('HSET', jobs, records)
call_many('HDEL', dead_jobs, revived)
call_many('ZREM', dead, revived)
if #revived > 0 then add(REVIVED, #revived) end
return reply
