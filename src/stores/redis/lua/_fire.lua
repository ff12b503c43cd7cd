-- Fires schedules whose jobs the caller has made. An occurrence makes its jobs once: for the caller who finds the
-- schedule still at it.
--
-- ARGV: number of schedules, then for each: key, score of the occurrence, next score, record, id of the job that must
--   not be alive ('' for none), record if it is, number of jobs, then for each: id, score, record,
--   KEY:CONCURRENCY:RATE:PERIOD:ORDERED: of its flow control key ('' for none)

local function read_fires()
  local fires = {}
  for i = 1, number_argument() do
    fires[i] = { key = argument(), occurrence = argument(), next = argument(), record = argument(),
      unless = argument(), skipped = argument(), jobs = {} }
    for j = 1, number_argument() do
      fires[i].jobs[j] = { id = argument(), score = argument(), record = argument(), flow = argument() }
    end
  end
  return fires
end

-- The scores of the schedules, and of their jobs. It also loads the keys of the jobs.
local function read_scores(fires)
  local members = {}
  local keys = {}
  for _, schedule in ipairs(fires) do
    push(members, SCHEDULE .. schedule.key)
    if schedule.unless ~= '' then push(members, schedule.unless) end
    for _, job in ipairs(schedule.jobs) do
      push(members, job.id)
      if job.flow ~= '' then push(keys, string.match(job.flow, '^[^:]+')) end
    end
  end
  local scores = read_many('ZMSCORE', due, members)
  local at = {}
  for i, member in ipairs(members) do at[member] = scores[i] end
  load_keys(keys, now)
  return at
end

local function fire()
  local fires = read_fires()
  local at = read_scores(fires)
  local moved = {}
  local records = {}
  local new_jobs = {}
  local new_records = {}

  local function make(job)
    if at[job.id] then return end
    local score, record = line_up(job, false)
    at[job.id] = score
    push(new_jobs, score, job.id)
    push(new_records, job.id, record)
    known[job.id] = record
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
