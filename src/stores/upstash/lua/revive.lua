-- Takes jobs out of the dead letter, back among those that wait.
-- ARGV: resend (1 where an earlier send may have arrived), then for each job: id, when it died, new score, record
-- Returns: 1 or 0 for each; 0 where the job does not lie dead since then
local resend, list, ids = ARGV[1] == '1', {}, {}
for at = 2, #ARGV, 4 do
  push(list, { id = ARGV[at], died = ARGV[at + 1], score = ARGV[at + 2], record = ARGV[at + 3] })
  push(ids, ARGV[at])
end
local died, reply, seen = read_many('ZMSCORE', dead, ids), {}, {}
local waiting, records, revived = {}, {}, {}
for i, job in ipairs(list) do
  local lies = died[i] and tonumber(died[i]) == tonumber(job.died) and not seen[job.id]
  push(reply, (lies or (resend and call('HGET', jobs, job.id) == job.record)) and 1 or 0)
  if lies then
    seen[job.id] = true
    push(waiting, job.score, job.id)
    push(records, job.id, job.record)
    push(revived, job.id)
  end
end
call_many('ZREM', dead, revived)
call_many('HDEL', dead_jobs, revived)
call_many('ZADD', due, waiting)
call_many('HSET', jobs, records)
if #revived > 0 then add(REVIVED, #revived) end
return reply
