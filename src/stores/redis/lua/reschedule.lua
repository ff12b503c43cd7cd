-- Moves waiting jobs to another time.
-- ARGV: now, the time, ids
-- Returns: for each id 1, or 0 if it does not wait
local now, run_at = tonumber(ARGV[1]), tonumber(ARGV[2])
-- include: _live_jobs.lua
local found, reply = find_jobs({ unpack(ARGV, 3) }, false)
local adding, records, leaving = {}, {}, {}
for _, job in ipairs(found) do
  local _, claims = unpack_score(job.score)
  local score, lane = pack(run_at, claims, 0), job.key and lane_of[job.key]
  push(adding, whole(lane and IN_LINE + score or score), job.id)
  -- If it was leased at enqueue, it continues under its id.
  if job.born then push(leaving, job.born, born_index(job.id, job.first)) end
  if not job.is_own then
    push(records, job.id, job.first)
  elseif lane and not job.in_line then
    finish(lane)
    insert(lane, job.order, score, job.id)
  elseif lane and job.score ~= score then
    remove(lane, job.order, job.score, job.id)
    insert(lane, job.order, score, job.id)
  end
end
call_many('HSET', jobs, records)
commit_lanes(now, adding, {})
call_many('ZREM', due, leaving)
for i = 1, #reply do reply[i] = reply[i] and 0 or 1 end
return reply
