-- Fires schedules whose jobs the caller has made: each occurrence once, for whoever finds the schedule still at it.
-- `unless` is the id of a job that must not be alive ('' for none), and `skipped` the record if it is.
for _, schedule in ipairs(fires) do schedule.jobs = {} end
for _, job in ipairs(fired_jobs) do push(fires[job.fire].jobs, job) end

-- The scores of the schedules, and of their jobs. It also loads the keys of the jobs.
local function read_scores()
  local members = {}
  for _, schedule in ipairs(fires) do
    push(members, SCHEDULE .. schedule.key)
    if schedule.unless ~= '' then push(members, schedule.unless) end
    for _, job in ipairs(schedule.jobs) do push(members, job.id) end
  end
  local scores = read_many('ZMSCORE', due, members)
  local at = {}
  for i, member in ipairs(members) do at[member] = scores[i] end
  load_keys(push_keys({}, fired_jobs), now)
  return at
end

local function fire()
  local at = read_scores()
  local moved = {}
  local records = {}
  local new_jobs = {}
  local new_records = {}

  local function make(job)
    if at[job.id] then return end
    local score, record = line_up(job, now)
    at[job.id] = score
    push(new_jobs, score, job.id)
    push(new_records, job.id, record)
    written[job.id] = record
  end

  for _, schedule in ipairs(fires) do
    local member = SCHEDULE .. schedule.key
    if not at[member] or tonumber(at[member]) ~= tonumber(schedule.occurrence) then
      push(fired, 'stale')
    else
      local is_skipped = schedule.unless ~= '' and at[schedule.unless]
      push(fired, is_skipped and 'skipped' or 'fired')
      at[member] = schedule.next
      push(moved, schedule.next, member)
      push(records, schedule.key, is_skipped and schedule.skipped or schedule.record)
      for _, job in ipairs(is_skipped and {} or schedule.jobs) do make(job) end
    end
  end
  push_all(new_jobs, moved)
  put_marks(new_jobs, {})
  store_new(new_records)
  call_many('HSET', schedules, records)
  store_lines(now)
  call_many('ZADD', due, new_jobs)
end
