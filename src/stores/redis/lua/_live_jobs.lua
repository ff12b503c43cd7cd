-- Live jobs that a person changes: they are moved or removed.

-- A job by its score in `due`.
local function live_job(id, stored)
  local score, in_line = out_of_line(stored)
  local time, claims, leased = unpack_score(score)
  return { id = id, score = score, in_line = in_line, time = time, claims = claims, is_leased = leased == 1 }
end

-- Reads the keys of jobs, and loads these. A job that waits outside of lines has no key. One with a lease may have one.
local function read_live(found)
  local keyed = {}
  local ids = {}
  for _, job in ipairs(found) do
    if job.in_line or job.is_leased or job.claims > 0 then -- attempted: it may wait for a signal
      push(keyed, job)
      push(ids, job.id)
    end
  end
  local records = read_many('HMGET', jobs, ids)
  load_keys_of(records, now)
  for i, job in ipairs(keyed) do
    local key, order = flow_of(records[i])
    job.record, job.lane, job.order = records[i], lanes_by_key[key], order
  end
end

-- Returns those that may be changed, and for each id why it may not: 'missing', 'running', or false.
local function find_jobs(ids, may_run)
  local scores = read_many('ZMSCORE', due, ids)
  local found = {}
  local refused = {}
  for i, id in ipairs(ids) do
    local job = live_job(id, scores[i])
    refused[i] = not scores[i] and 'missing' or job.is_leased and job.score >= after(now) and not may_run and 'running'
    if not refused[i] then push(found, job) end
  end
  read_live(found)
  return found, refused
end

-- Takes a job out of the line of its key, or frees its slot.
local function leave_key(job)
  if job.lane and job.in_line then remove(job.lane, job.order, job.score, job.id)
  elseif job.lane then finish(job.lane, job.time) end
end

-- Moves a job within its line, or back to it. @param adding for a ZADD of `due`.
local function move_to(job, score, adding)
  local lane = job.lane
  if lane and (job.score ~= score or not job.in_line) then
    leave_key(job)
    insert(lane, job.order, score, job.id)
  end
  push(adding, whole(lane and IN_LINE + score or score), job.id)
  -- Its lease had run out, and is over now: it counts as no slot when the slots of its key are counted again.
  if job.is_leased then push(adding, whole(UPPER), LEASE .. job.id) end
end
