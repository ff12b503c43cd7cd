-- Counts what an exchange settles, all of it in one command: in total, in windows of time, and for each name.
-- The caller adds up as if all outcomes were accepted: for how many ms attempts waited, and ran, and the counts of the
-- queue and of each name, as 'COUNTER=COUNT,'. What each outcome adds is 'NAME:WAITED:RAN:COUNTER,COUNTER;', with the
-- name 0 for none.
local function read_counts(text)
  local read = {}
  for counter, count in string.gmatch(text, '(%d+)=(%d+)') do read[tonumber(counter)] = tonumber(count) end
  return read
end

local all = read_counts(counts)
for _, name in ipairs(names) do name.counts = read_counts(name.counts) end
-- How many names have a position.
local names_taken

-- How many values of windows one BITFIELD may have: `unpack` of 8,000 overflows the stack.
local MOST_VALUES = 6800

local function note_slowest(counts, which, ms)
  if tonumber(ms) > (counts[which] or 0) then counts[which] = tonumber(ms) end
end

-- Takes out what outcomes have added that were not accepted, and finds the slowest of the others.
local function leave_out_refused()
  local i = 0
  all[SLOWEST], all[SLOWEST + 1] = nil, nil
  for _, name in ipairs(names) do name.counts[SLOWEST], name.counts[SLOWEST + 1] = nil, nil end
  for name, waited, ran, counters in string.gmatch(each, '(%d+):(%d+):(%d+):([%d,]*);') do
    i = i + 1
    local named = names[tonumber(name)] or { counts = {} }
    for _, counts in ipairs({ all, named.counts }) do
      if accepted[i] then
        note_slowest(counts, SLOWEST, waited)
        note_slowest(counts, SLOWEST + 1, ran)
      else
        for text in string.gmatch(counters, '%d+') do
          local counter = tonumber(text)
          -- What comes to 0 goes: it would take the place of a command.
          counts[counter] = (counts[counter] or 0) > 1 and counts[counter] - 1 or nil
        end
      end
    end
    if not accepted[i] then waited_ms, ran_ms = waited_ms - waited, ran_ms - ran end
  end
end

local function increase(adding, bits, counter, by)
  push(adding, 'INCRBY', bits, counter, by)
end

-- Adds a count to a window. That of an earlier window in its place goes without anybody having to read which it was: a
-- pair is one number, and an earlier one comes to 0 when the least pair of this window is taken away. Less (2, 0),
-- (1, 9) is 0, and (2, 9) is 9. What was less than the slowest comes to it likewise.
local function add_pair(adding, window, from, number, counter, by)
  local bit = (from + window.at + number % window.kept * window.bytes + counter * COUNTER_BYTES) * 8
  local is_slowest = counter >= SLOWEST
  local least = least_pair(window, number) + (is_slowest and math.min(by, MOST_COUNTED) or 0)
  increase(adding, 'u48', bit, '-' .. whole(least))
  increase(adding, 'u48', bit, whole(is_slowest and least or least + by))
end

local function add_to_window(adding, window, from, counts)
  local number = math.floor(now / window.ms)
  for counter, by in pairs(counts) do
    if counter < window.counters then add_pair(adding, window, from, number, counter, by) end
  end
end

local function add_to_name(adding, name)
  local from = NAMES_AT + name.position * NAME_BYTES
  for counter, by in pairs(name.counts) do
    if counter < OUTCOMES then increase(adding, 'u48', (from + counter * COUNTER_BYTES) * 8, by) end
  end
  add_to_window(adding, TENS, from, name.counts)
  add_to_window(adding, DAYS, from, name.counts)
end

-- Adds to members of `due` those whose scores say where the names are.
local function push_positions(members)
  if #names > 0 then push(members, NAME) end
  for _, name in ipairs(names) do push(members, NAME .. name.text) end
end

-- Notes where the names are, by the scores of these members.
local function note_positions(scores, before)
  if #names == 0 then return end
  names_taken = position_of(scores[before + 1]) or 0
  for n, name in ipairs(names) do name.position = position_of(scores[before + 1 + n]) end
end

-- Gives the next positions to names that have none.
local function give_positions()
  local members = {}
  for _, name in ipairs(names) do
    if not name.position and next(name.counts) then
      if names_taken == NAMES_KEPT then
        name.position = NAMES_KEPT
      else
        name.position = names_taken
        names_taken = names_taken + 1
        push(members, whole(NAMED + 8 * name.position), NAME .. name.text)
      end
    end
  end
  if #members == 0 then return end
  push(members, whole(NAMED + 8 * names_taken), NAME)
  call('ZADD', due, unpack(members))
end

-- Adds to totals, and then to windows, in as many commands as that takes. Returns the reply to the first one.
local function add_up(adding, windows)
  local reply
  push(adding, 'OVERFLOW', 'SAT')
  for first = 1, #windows, MOST_VALUES do
    local last = #adding
    for i = first, math.min(first + MOST_VALUES - 1, #windows) do
      last = last + 1
      adding[last] = windows[i]
    end
    local values = call('BITFIELD', stats, unpack(adding))
    reply = reply or values
    adding = { 'OVERFLOW', 'SAT' }
  end
  return reply
end

-- Counts what was settled, and how long it took.
function tally()
  if settled_now < #ids then leave_out_refused() end
  if not next(all) then return end
  -- The order of completed jobs is trimmed once in the time that they are kept, but at most once an hour, and once a
  -- day at least.
  local period = math.floor(now / math.min(math.max(retention_ms, HOURS.ms), DAYS.ms))
  local adding = {}
  local windows = {}
  push(adding, 'SET', 'i64', '#' .. TRIMMED_IN, period)
  increase(adding, 'i64', '#' .. SETTLED, 1)
  increase(adding, 'i64', '#' .. WAITED, waited_ms)
  increase(adding, 'i64', '#' .. RAN, ran_ms)
  for counter, by in pairs(all) do
    local pace = counter - COUNTERS
    if counter < SLOWEST then
      increase(adding, 'i64', '#' .. counter, by)
    elseif pace >= 0 then
      local minute = math.floor(now / MINUTES.ms) - math.floor(pace / PACES)
      add_pair(windows, MINUTES, 0, minute, OUTCOMES + pace % PACES, by)
    end
  end
  give_positions()
  add_to_window(windows, MINUTES, 0, all)
  add_to_window(windows, HOURS, 0, all)
  for _, name in ipairs(names) do
    if next(name.counts) then add_to_name(windows, name) end
  end
  local trimmed_in = add_up(adding, windows)[1]
  if trimmed_in > 0 and trimmed_in ~= period and not OWN_EXPIRY then
    call('ZREMRANGEBYSCORE', done_order, '-inf', '(' .. whole(now - HOURS.ms))
  end
end
