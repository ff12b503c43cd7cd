-- Moves waiting jobs to another time.
-- @arg now number, run_at number, all list(text)
-- @reply list(flag)  0: it does not wait
-- include: _live_jobs.lua
local found, refused = find_jobs(all, false)
local adding = {}
local parents = {}
for _, job in ipairs(found) do
  if job.score == FOR_CHILDREN then push(parents, job.id)
  else push(adding, move_to(job, pack(run_at, job.claims, 0)), job.id) end
end
-- A parent still waits for its children, whenever it may run.
local moved_families = {}
for i, text in ipairs(read_many('HMGET', families, parents)) do
  if text then push(moved_families, parents[i], (string.gsub(text, '%d+$', whole(run_at), 1))) end
end
call_many('HSET', families, moved_families)
commit_keys(now, adding)
local reply = {}
for i = 1, #refused do reply[i] = refused[i] and 0 or 1 end
return reply
