-- Fires schedules whose jobs the caller has made. An occurrence makes its jobs once: for the caller who finds the
-- schedule still at it.

local function fire()
  local fires, members, keys = {}, {}, {}
  for i = 1, tonumber(argument()) do
    local schedule = { key = argument(), occurrence = argument(), next = argument(), record = argument(),
      unless = argument(), skipped = argument(), jobs = {} }
    push(members, SCHEDULE .. schedule.key)
    if schedule.unless ~= '' then push(members, schedule.unless, BORN .. schedule.unless) end
    for j = 1, tonumber(argument()) do
      schedule.jobs[j] = { id = argument(), score = argument(), record = argument(), flow = argument() }
      if schedule.jobs[j].flow ~= '' then push(keys, string.match(schedule.jobs[j].flow, '^[^:]+')) end
      push(members, schedule.jobs[j].id, BORN .. schedule.jobs[j].id)
    end
    fires[i] = schedule
  end
  local scores, at = read_many('ZMSCORE', due, members), {}
  for i, member in ipairs(members) do at[member] = scores[i] end
  load_lanes(keys, now)
  local moved, records, new_jobs, new_records = {}, {}, {}, {}
  for _, schedule in ipairs(fires) do
    local member = SCHEDULE .. schedule.key
    if not at[member] or tonumber(at[member]) ~= tonumber(schedule.occurrence) then
      push(reply, 'stale')
    else
      local skipped = schedule.unless ~= '' and (at[schedule.unless] or at[BORN .. schedule.unless])
      push(reply, skipped and 'skipped' or 'fired')
      at[member] = schedule.next
      push(moved, schedule.next, member)
      push(records, schedule.key, skipped and schedule.skipped or schedule.record)
      for _, job in ipairs(skipped and {} or schedule.jobs) do
        if not at[job.id] and not at[BORN .. job.id] then
          at[job.id] = job.score
          local record, score = job.record, job.score
          if job.flow ~= '' then
            local lane, order, head = join(job.flow, false, now)
            insert(lane, order, tonumber(score), job.id)
            record, score = head .. record, whole(IN_LINE + score)
          end
          push(new_jobs, score, job.id)
          push(new_records, job.id, record)
          written[job.id] = record
        end
      end
    end
  end
  for _, value in ipairs(moved) do push(new_jobs, value) end
  put_marks(new_jobs, {})
  call_many('HSET', jobs, new_records)
  call_many('HSET', schedules, records)
  call_many('ZADD', due, new_jobs)
  keep_checkpoint(now)
end
