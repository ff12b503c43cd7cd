-- Moves waiting jobs, each to a time. One that is due keeps an earlier time, unless the new one is ahead.
-- @arg now number, moves rows(id run_at:number)
-- @reply list(flag)  0: it does not wait
-- include: _live_jobs.lua
local ids, times = {}, {}
for i, move in ipairs(moves) do
  ids[i] = move.id
  times[move.id] = move.run_at
end
local found, refused = find_jobs(ids, false)
local adding, parents = {}, {}
for _, job in ipairs(found) do
  if waits_for_children(job.score) then push(parents, job.id)
  else
    local run_at = times[job.id] > now and times[job.id] or math.min(times[job.id], job.time)
    move_to(job, pack(run_at, job.claims, 0), adding)
  end
end
-- A parent still waits for its children, whenever it may run.
local moved_families = {}
for i, text in ipairs(read_many('HMGET', families, parents)) do
  if text then push(moved_families, parents[i], (string.gsub(text, '%d+$', whole(times[parents[i]]), 1))) end
end
call_many('HSET', families, moved_families)
commit_keys(now, adding)
local reply = {}
for i = 1, #refused do reply[i] = refused[i] and 0 or 1 end
return reply
