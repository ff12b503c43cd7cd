-- Counts what was settled in windows of time: of the queue by the hour, of each name by ten minutes and by the day.

-- What the outcomes of a request count, added up by the caller as if all were accepted. `all` is of the queue: how
-- often each figure counts, by its number in a window. Each name has such counts too. `each` is what every outcome has
-- added, in their order: 'NAME:WAITED:RAN:FIGURE:FIGURE;', zeros for what it does not have.
local figures
-- Where the figures of names are, for a caller that does not know it: name, place.
local learned = {}

local function read_counts()
  local counts = {}
  for _ = 1, tonumber(argument()) do
    local figure, by = tonumber(argument()), tonumber(argument())
    counts[figure] = by
  end
  return counts
end

local function read_figures()
  figures = { waited = tonumber(argument()), ran = tonumber(argument()), all = read_counts(), names = {}, each = argument() }
  for n = 1, tonumber(argument()) do
    figures.names[n] = { text = argument(), hash = argument(), known = argument(), counts = read_counts() }
  end
end

-- How many values of windows one BITFIELD may have: `unpack` of 8,000 overflows the stack.
local MOST_VALUES = 5600

-- Adds figures to the window of this moment. An earlier window in its place goes, as an earlier minute does (tally).
local function add_to_window(adding, window, from, figures)
  local number = math.floor(now / window.ms)
  local at = from + window.at + number % window.kept * WINDOW_BYTES
  for figure, by in pairs(figures) do
    local bit = (at + (figure - 1) * FIGURE_BYTES) * 8
    push(adding, 'INCRBY', 'u48', bit, '-' .. whole(number * window.values))
    push(adding, 'INCRBY', 'u48', bit, whole(number * window.values + by))
  end
end

local function add_to_name(adding, name)
  local from = byte_of(name.place)
  push(adding, 'SET', 'u32', from * 8, name.place == MOST_NAMES and 0 or name.hash)
  for figure = 1, 3 do
    local by = name.counts[figure]
    if by then push(adding, 'INCRBY', 'u48', (from + TOTALS_AT + (figure - 1) * FIGURE_BYTES) * 8, by) end
  end
  add_to_window(adding, TENS, from, name.counts)
  add_to_window(adding, DAYS, from, name.counts)
end

-- Takes back what was counted in a place that has become another name's.
local function take_back(name, hash_before)
  local from, removing = byte_of(name.place), { 'OVERFLOW', 'SAT' }
  push(removing, 'SET', 'u32', from * 8, whole(hash_before))
  for figure, by in pairs(name.counts) do
    local first = from + (figure - 1) * FIGURE_BYTES
    if figure <= 3 then push(removing, 'INCRBY', 'u48', (first + TOTALS_AT) * 8, -by) end
    for _, window in ipairs({ TENS, DAYS }) do
      local at = window.at + math.floor(now / window.ms) % window.kept * WINDOW_BYTES
      push(removing, 'INCRBY', 'u48', (first + at) * 8, -by)
    end
  end
  call('BITFIELD', stats, unpack(removing))
end

-- Adds to members of `due` those that say where the names are.
local function push_marks(members)
  if #figures.names > 0 then push(members, NAME) end
  for _, name in ipairs(figures.names) do push(members, NAME .. name.text) end
end

-- Notes where the names are, by the scores of these members.
local function note_places(scores, before)
  if #figures.names == 0 then return end
  figures.placed = place_of(scores[before + 1]) or 0
  for n, name in ipairs(figures.names) do name.place = place_of(scores[before + 1 + n]) end
end

local function read_places()
  if #figures.names == 0 then return end
  local members = {}
  push_marks(members)
  note_places(call('ZMSCORE', due, unpack(members)), 0)
end

-- Gives the next places to names that have none.
local function give_places()
  local marks = {}
  for _, name in ipairs(figures.names) do
    if figures.placed and not name.place and next(name.counts) then
      if figures.placed == MOST_NAMES then
        name.place = MOST_NAMES
      elseif may_sweep then
        name.place, figures.placed = figures.placed, figures.placed + 1
        push(marks, whole(NAMED + 8 * name.place), NAME .. name.text)
      end
    end
  end
  if #marks == 0 then return end
  push(marks, whole(NAMED + 8 * figures.placed), NAME)
  call('ZADD', due, unpack(marks))
end

local function add_to_names(adding)
  for _, name in ipairs(figures.names) do
    if name.place and next(name.counts) then add_to_name(adding, name) end
  end
end

-- Adds to counters, and then to windows, in as many commands as that takes, or in one if there is no room for more.
-- Gives the answer of the first one.
local function add_up(adding, windows)
  local answer
  for first = 1, math.max(#windows, 1), MOST_VALUES do
    local last = #adding
    for i = first, math.min(first + MOST_VALUES - 1, #windows) do
      last = last + 1
      adding[last] = windows[i]
    end
    local answers = call('BITFIELD', stats, unpack(adding))
    answer = answer or answers
    adding = { 'OVERFLOW', 'SAT' }
    if not may_sweep then break end
  end
  return answer
end
