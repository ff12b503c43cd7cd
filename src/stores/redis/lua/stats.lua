-- Counts. Figures that can be derived are not stored: each job that is no longer live is in one of five counters.
-- ARGV: now, whether to read figures by name and not to count completed jobs (0 or 1), up to how many members of `due`
--   are read
--   one by one, which is one command for all counts of live jobs
-- Returns: scheduled, ready, running, dead, completed, processed, retried, died, enqueued, paused,
--   the next score ('' for none), score of the oldest ready job ('' for none),
--   the counters of the two histograms (16 each), number of minutes of the last hour in which something was settled,
--     then for each:
--   which it is, processed, retried, dead; then the names (figures.lua)
local now, with_names, most = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])
-- include: _windows.lua
-- include: _read_windows.lua
if not with_names then remove_expired(now) end

-- Jobs that wait for their flow control key, and the keys themselves, which are not jobs (_lanes.lua).
local IN_LINE, TURN_UP = 9007199254740992, 18014398509481984
local range = call('ZRANGE', due, 0, most, 'WITHSCORES')
local ready, scheduled, running = 0, 0, 0

-- Counts the members that were read.
local function count_read()
  for i = 1, #range, 2 do
    if id_of(range[i]) then
      local score = tonumber(range[i + 1])
      local time = score < IN_LINE and score or score - IN_LINE
      if time < after(now) then ready = ready + 1
      elseif time % 2 == 1 then running = running + 1
      else scheduled = scheduled + 1 end
    end
  end
end

local function count(from, to)
  return call('ZCOUNT', due, whole(from), '(' .. whole(to))
end

-- Has all members counted, which takes some commands but no reading.
local function count_all()
  local keys, members = call('HKEYS', schedules), {}
  for i, key in ipairs(keys) do members[i] = SCHEDULE .. key end
  local schedules_due, schedules_ahead = 0, 0
  for _, score in ipairs(read_many('ZMSCORE', due, members)) do
    if score and tonumber(score) < after(now) then schedules_due = schedules_due + 1 end
    if score and tonumber(score) >= after(now) and tonumber(score) < UPPER then schedules_ahead = schedules_ahead + 1 end
  end
  local ready_in_line, ahead_in_line, keys_due, keys_ahead = 0, 0, 0, 0
  if call('EXISTS', flow) == 1 then
    ready_in_line, ahead_in_line = count(IN_LINE, IN_LINE + after(now)), count(IN_LINE + after(now), TURN_UP)
    keys_due, keys_ahead = count(TURN_UP, TURN_UP + after(now)), count(TURN_UP + after(now), TURN_UP + UPPER)
  end
  ready = count(0, after(now)) - schedules_due - keys_due + ready_in_line
  running = count(UPPER + after(now), IN_LINE)
  scheduled = count(after(now), UPPER) - schedules_ahead - keys_ahead + ahead_in_line - running
end

local is_whole = #range <= 2 * most
if is_whole then count_read() else count_all() end

local paused, coming, oldest = range[1] == PAUSED and 1 or 0, '', ''
for i = 1 + 2 * paused, #range, 2 do
  local score = tonumber(range[i + 1])
  if coming == '' and score < UPPER then coming = range[i + 1] end
  if score >= after(now) then break end
  if not is_schedule(range[i]) then
    oldest = range[i + 1]
    break
  end
end

local text = call('GETRANGE', stats, 0, with_names and -1 or HOURS.at - 1)
local function counter(place)
  return number_at(text, place * 8, 8)
end
local processed, retried, cancelled, retried_dead, removed = counter(0), counter(1), counter(2), counter(3), counter(4)
local lying = call('ZCOUNT', dead, 0, '+inf')
local died = lying + retried_dead + removed
local reply = { scheduled, ready, running, lying, with_names and 0 or call('HLEN', done), processed, retried, died,
  ready + scheduled + running + processed + died + cancelled - retried_dead, paused, coming, oldest }
for place = WAITING, RUNNING + HISTOGRAM_SIZE - 1 do push(reply, counter(place)) end

local this_minute, minutes, found = math.floor(now / 60000), {}, 0
local function add_to_minute(minute, which, count)
  if count == 0 or minute <= this_minute - 60 then return end
  if not minutes[minute] then minutes[minute], found = { 0, 0, 0 }, found + 1 end
  minutes[minute][which] = minutes[minute][which] + count
end
for i = 0, MINUTES_KEPT - 1 do
  local old, at = OLD_MINUTES * 4 + i * 16, MINUTES * 4 + i * 24
  local minute = number_at(text, old, 4)
  for which = 1, 3 do
    if minute > 0 then add_to_minute(minute, which, number_at(text, old + which * 4, 4)) end
    add_to_minute(number_at(text, at + which * 8 - 8, 4), which, number_at(text, at + which * 8 - 4, 4))
  end
end
push(reply, found)
for minute, counts in pairs(minutes) do push(reply, minute, unpack(counts)) end
if with_names then push_names(reply, is_whole and range or read_marks(), text, NAMES_AT, 0) end
return reply
