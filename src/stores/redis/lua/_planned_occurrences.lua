-- Fires occurrences without the caller, by the plan before the record of their schedule (plan.ts).

-- Whether a schedule is further ahead than the clock that fired it can have put it. Its revision says how far ahead its
-- next occurrence was then (score.ts). If it is further ahead by five minutes, the claim asks the server which of the
-- two clocks is right. A server that agrees with neither, as in tests, has no say.
local MOVED = 448
local server_now
function is_schedule_skewed(score)
  local time, revision = unpack_score(score)
  if revision < MOVED or score >= UPPER then return false end
  local moved_after = time - 2 ^ (revision - MOVED)
  if moved_after - now <= APART_MS then return false end
  server_now = server_now or tonumber(call('TIME')[1]) * 1000
  return server_now < moved_after - APART_MS or server_now > time + APART_MS
end

-- The last of the times that a plan lists until now, from the first that is due, its date, and the time after it.
local function occurrences(times, first)
  local from = string.find(times, ',' .. whole(first) .. '=', 1, true)
  if first > now or not from then return nil end
  local occurrence, date
  for text, its_date in string.gmatch(string.sub(times, from), '(%d+)=([^,]+)') do
    local time = tonumber(text)
    if time > now then return occurrence, date, time end
    occurrence = time
    date = its_date
  end
end

-- What a schedule at this score makes now, by its plan: its last occurrence until now, and the score of its next one.
-- Nil if the plan does not cover both, or does not cover this case. Flags: 'd' if code declares the schedule, 'e' if
-- each missed occurrence makes a job.
local function planned(key, score, record)
  local flags, latest, times, start, middle, tail =
    string.match(record, '^2:(%l*):(%d*):([^\n]+)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n')
  if not flags or (string.find(flags, 'd', 1, true) and not fires_declared) then return nil end
  local makes_each = string.find(flags, 'e', 1, true)
  local first = unpack_score(tonumber(score))
  local occurrence, date, coming = occurrences(times, first)
  if not coming or (makes_each and occurrence ~= first) then return nil end
  if latest ~= '' and now - occurrence > tonumber(latest) then return nil end
  local reach = makes_each and 0 or 2 * (MOVED + reach_of(coming - now))
  return {
    id = key .. '@' .. date,
    occurrence = occurrence,
    coming = coming * 1024 + reach,
    record = start .. whole(now) .. middle .. whole(occurrence) .. tail,
  }
end

-- The plans of schedules that fire now, by the numbers of their keys, and their records. Plans whose jobs exist are
-- marked: these schedules are handed out.
local function read_plans(keys, scores)
  local records = read_many('HMGET', schedules, keys)
  local plans = {}
  local planned_at = {}
  local names = {}
  for i, key in ipairs(keys) do
    local plan = records[i] and planned(key, scores[i], records[i])
    if plan then
      plans[i] = plan
      push(planned_at, i)
      push(names, plan.id)
    end
  end
  for n, score in ipairs(read_many('ZMSCORE', due, names)) do plans[planned_at[n]].exists = score end
  return plans, records
end

-- Fires the schedules that have a plan, and leases their jobs as they are made. It hands out the others. Returns the
-- earliest score of what it leaves, and the schedules that it moves, for a ZADD of `due`.
function fire_planned(keys, scores, ends)
  local plans, records = read_plans(keys, scores)
  local earliest = UPPER
  local moved = {}
  for i, key in ipairs(keys) do
    local plan = plans[i]
    if not records[i] then
      evicted = evicted + 1
      push(leaving_due, SCHEDULE .. key)
    elseif not plan or plan.exists then
      push(due_schedules, key, scores[i], records[i])
    elseif not take_room(plan.record) then
      earliest = math.min(earliest, tonumber(scores[i]))
    else
      local id = plan.id
      earliest = math.min(earliest, plan.coming)
      push(made, id, plan.record)
      written[id] = plan.record
      lease(MADE .. id, whole(plan.occurrence * 1024), plan.record, whole(pack(ends, 1, 1)), id, index_score_of(ends, true))
      push(moved, whole(plan.coming), SCHEDULE .. key)
    end
  end
  return earliest, moved
end
