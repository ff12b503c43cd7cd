-- Counts what an exchange settles in windows of time: of the queue by the hour, of each name by ten minutes and by day.
-- The caller adds up as if all outcomes were accepted: for how many ms attempts waited, and ran, and the counts of the
-- queue and of each name, as 'COUNTER=COUNT;'. What each outcome adds is 'NAME:WAITED:RAN:COUNTER:COUNTER;', with 0 for
-- what it does not have.
local function read_counts(text)
  local read = {}
  for counter, count in string.gmatch(text, '(%d+)=(%d+);') do read[tonumber(counter)] = tonumber(count) end
  return read
end

local metrics = { waited = waited_ms, ran = ran_ms, all = read_counts(counts), names = names }
for _, name in ipairs(names) do name.counts = read_counts(name.counts) end

-- How many values of windows one BITFIELD may have: `unpack` of 8,000 overflows the stack.
local MOST_VALUES = 5600

-- Adds counts to the window of this moment. An earlier window in its place goes, as an earlier minute does.
local function add_to_window(adding, window, from, counts)
  local number = math.floor(now / window.ms)
  local at = from + window.at + number % window.kept * WINDOW_BYTES
  for counter, by in pairs(counts) do
    local bit = (at + (counter - 1) * COUNTER_BYTES) * 8
    push(adding, 'INCRBY', 'u48', bit, '-' .. whole(number * window.values))
    push(adding, 'INCRBY', 'u48', bit, whole(number * window.values + by))
  end
end

local function add_to_name(adding, name)
  local from = byte_of(name.position)
  for counter = 1, 3 do
    local by = name.counts[counter]
    if by then push(adding, 'INCRBY', 'u48', (from + (counter - 1) * COUNTER_BYTES) * 8, by) end
  end
  add_to_window(adding, TENS, from, name.counts)
  add_to_window(adding, DAYS, from, name.counts)
end

-- Adds to members of `due` those whose scores say where the names are.
local function push_positions(members)
  if #metrics.names > 0 then push(members, NAME) end
  for _, name in ipairs(metrics.names) do push(members, NAME .. name.text) end
end

-- Notes where the names are, by the scores of these members.
local function note_positions(scores, before)
  if #metrics.names == 0 then return end
  metrics.taken = position_of(scores[before + 1]) or 0
  for n, name in ipairs(metrics.names) do name.position = position_of(scores[before + 1 + n]) end
end

-- Gives the next positions to names that have none.
local function give_positions()
  local members = {}
  for _, name in ipairs(metrics.names) do
    if metrics.taken and not name.position and next(name.counts) then
      if metrics.taken == MOST_NAMES then
        name.position = MOST_NAMES
      else
        name.position = metrics.taken
        metrics.taken = metrics.taken + 1
        push(members, whole(NAMED + 8 * name.position), NAME .. name.text)
      end
    end
  end
  if #members == 0 then return end
  push(members, whole(NAMED + 8 * metrics.taken), NAME)
  call('ZADD', due, unpack(members))
end

local function add_to_names(adding)
  for _, name in ipairs(metrics.names) do
    if name.position and next(name.counts) then add_to_name(adding, name) end
  end
end

-- Adds to counters, and then to windows, in as many commands as that takes.
-- Returns the reply to the first one.
local function add_up(adding, windows)
  local reply
  for first = 1, math.max(#windows, 1), MOST_VALUES do
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
