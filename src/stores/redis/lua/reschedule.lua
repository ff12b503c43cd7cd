-- Moves waiting jobs to another time.
-- @arg now number, run_at number, all list(text)
-- @reply list(flag)  0: it does not wait
-- include: _live_jobs.lua
local found, refused = find_jobs(all, false)
local adding = {}
local parents = {}

local function move(job)
  local time, claims = unpack_score(job.score)
  local score = pack(run_at, claims, 0)
  local lane = job.key and lanes_by_key[job.key]
  push(adding, whole(lane and IN_LINE + score or score), job.id)
  if lane and not job.in_line then
    finish(lane, time)
    insert(lane, job.order, score, job.id)
  elseif lane and job.score ~= score then
    remove(lane, job.order, job.score, job.id)
    insert(lane, job.order, score, job.id)
  end
end

for _, job in ipairs(found) do
  if job.score == FOR_CHILDREN then push(parents, job.id) else move(job) end
end
-- A parent still waits for its children, whenever it may run.
local moved_families = {}
for i, text in ipairs(read_many('HMGET', families, parents)) do
  if text then push(moved_families, parents[i], (string.gsub(text, '%d+$', whole(run_at), 1))) end
end
call_many('HSET', families, moved_families)
commit_keys(now, adding, {})
local reply = {}
for i = 1, #refused do reply[i] = refused[i] and 0 or 1 end
return reply
