-- Occurrences that the store fires by itself, by the plan that stands before the record of their schedule (plan.ts).
-- The time of an occurrence, as its job's id ends.
local function iso(time)
  local day, ms = math.floor(time / DAY_MS) + 719468, time % DAY_MS
  -- Days since March of the year 0, in eras of 400 years: leap days come last.
  local era = math.floor(day / 146097)
  day = day - era * 146097
  local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
  day = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * day + 2) / 153)
  day = day - math.floor((153 * month + 2) / 5) + 1
  local is_next_year = month >= 10
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year + era * 400 + (is_next_year and 1 or 0),
    month + (is_next_year and -9 or 3), day, math.floor(ms / 3600000), math.floor(ms / 60000) % 60, math.floor(ms / 1000) % 60, ms % 1000)
end

-- Of a schedule that has fired, the revision says how far ahead its next occurrence was then (score.ts). A claim by
-- whose clock it is further ahead, by five minutes, asks the server which of the two clocks is right. A server that
-- agrees with neither, as in tests, has no say.
local MOVED, server_now = 448, nil
local function is_schedule_astray(score)
  local time, revision = unpack_score(score)
  if revision < MOVED or score >= UPPER then return false end
  local moved_after = time - 2 ^ (revision - MOVED)
  if moved_after - now <= APART_MS then return false end
  server_now = server_now or tonumber(call('TIME')[1]) * 1000
  return server_now < moved_after - APART_MS or server_now > time + APART_MS
end

-- What a schedule that stands at this score makes now, by the plan before its record (plan.ts): the last occurrence
-- until now, and the next one. Nothing where the plan does not cover both, or not this case.
local function planned(key, score, record)
  local flags, latest, times, head, middle, tail =
    string.match(record, '^2:(%l*):(%d*):([%d,]+)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n')
  if not flags or (string.find(flags, 'd', 1, true) and not may_fire_declared) then return nil end
  local first, occurrence, coming = unpack_score(tonumber(score)), nil, nil
  if first > now then return nil end
  local from = string.find(times, ',' .. whole(first) .. ',', 1, true)
  if not from then return nil end
  for text in string.gmatch(string.sub(times, from), '%d+') do
    local time = tonumber(text)
    if time > now then
      coming = time
      break
    end
    occurrence = time
  end
  if not coming or (string.find(flags, 'e', 1, true) and occurrence ~= first) then return nil end
  if latest ~= '' and now - occurrence > tonumber(latest) then return nil end
  -- Of a name that JSON escapes nothing is learned.
  local name = string.match(tail, '"},"name":("[^"\\]*")')
  local reach = string.find(flags, 'e', 1, true) and 0 or 2 * (MOVED + reach_of(coming - now))
  return { id = key .. '@' .. iso(occurrence), occurrence = occurrence, coming = coming * 1024 + reach, name = name and string.sub(name, 2, -2),
    record = head .. whole(now) .. middle .. whole(occurrence) .. tail }
end

-- Fires the schedules that have a plan, and leases their jobs as they are made. The others are handed out, and so are
-- those whose jobs exist. Gives the earliest of what it leaves, and the schedules that it moves.
local function fire_planned(keys, scores, index, ends)
  local records, plans, names, marks = read_many('HMGET', schedules, keys), {}, {}, {}
  for i, key in ipairs(keys) do
    local plan = records[i] and planned(key, scores[i], records[i])
    if plan then
      plans[i] = plan
      push(names, plan.id, BORN .. plan.id)
      if observes and plan.name then push(marks, plan.name) end
    end
  end
  -- Whoever performs the job then settles it without a reading.
  local before = #names
  for _, name in ipairs(marks) do push(names, NAME .. name) end
  local there, at, earliest, moved, is_full = read_many('ZMSCORE', due, names, 2 * PIECE), 0, UPPER, {}, false
  for i, name in ipairs(marks) do
    local place = place_of(there[before + i])
    if place then push(learned, name, whole(place)) end
  end
  for i, key in ipairs(keys) do
    local plan, exists = plans[i], false
    if plan then
      at = at + 2
      exists = there[at - 1] or there[at]
    end
    if plan and not exists then
      bytes_left = bytes_left - #plan.record
      is_full = is_full or (bytes_left < 0 and jobs_taken > 0)
      if is_full then
        earliest = math.min(earliest, tonumber(scores[i]))
      else
        earliest = math.min(earliest, plan.coming)
        lease(BORN .. plan.id, whole(plan.occurrence * 1024), plan.record, whole(pack(ends, 1, 1)), index, born_index(plan.id, plan.record))
        push(moved, whole(plan.coming), SCHEDULE .. key)
      end
    elseif records[i] then
      push(slots, key, scores[i], records[i])
    else
      evicted = evicted + 1
      push(orphans, SCHEDULE .. key)
    end
  end
  return earliest, moved
end
