-- What was counted. `stats` has two lines for the queue, and then for each job type: its name, which is empty for the
-- queue, and 'TOTALS;WINDOWS;WINDOWS': first those of its last hour, by minutes or ten minutes, then hours or days.
-- Each window is ',NUMBER' since 1970 and its counts. `stats:recent` has what was counted since, as it came: lines of a
-- minute, each followed by lines 'COUNTS NAME'. So to count takes one APPEND, and reads nothing.
--
-- Counts are text: numbers in the order of the counters, in digits of base 32, the least one first. A digit is one of
-- the 64 characters from '?' to '~': the upper 32 say that another one follows. After a 0 comes how many counters to
-- skip, since they are 0. So what never happened takes no room.
local FIRST_DIGIT = 63
-- How long `stats:recent` becomes until it is added to `stats`. A longer one is read more slowly, and Redis allocates
-- twice as much as an APPEND needs.
local MOST_RECENT = 4000
-- All job types without counts of their own, together. No name has a control character.
local OTHERS = '\t'

local function push_number(digits, number)
  while number >= 32 do
    digits[#digits + 1] = string.char(FIRST_DIGIT + 32 + number % 32)
    number = math.floor(number / 32)
  end
  digits[#digits + 1] = string.char(FIRST_DIGIT + number)
end

local function text_of(counts)
  local digits = {}
  local skipped = 0
  for counter = 0, COUNTERS_END - 1 do
    local count = counts[counter] or 0
    if count == 0 then
      skipped = skipped + 1
    else
      if skipped > 0 then
        push_number(digits, 0)
        push_number(digits, skipped)
        skipped = 0
      end
      push_number(digits, count)
    end
  end
  return table.concat(digits)
end

-- Adds to a counter. Two are no counts: how long the slowest waited, and ran.
local function increase(counts, counter, by)
  local before = counts[counter] or 0
  counts[counter] = (counter == SLOWEST or counter == SLOWEST + 1) and math.max(before, by) or before + by
end

local function add_text(counts, text)
  local counter, number, unit, skips = 0, 0, 1, false
  for _, byte in ipairs({ string.byte(text, 1, -1) }) do
    local digit = byte - FIRST_DIGIT
    number = number + digit % 32 * unit
    unit = unit * 32
    if digit < 32 then
      if skips then
        counter = counter + number
        skips = false
      elseif number == 0 then
        skips = true
      else
        increase(counts, counter, number)
        counter = counter + 1
      end
      number, unit = 0, 1
    end
  end
  return counts
end

-- Adds counts to the window of a number. A new one takes the place of those that are too old by then. They need not
-- stand first: a clock that was ahead has added one that is newer.
local function add_window(windows, number, counts, kept)
  local first, last, text = string.find(windows, ',' .. number .. '([?-~]*)')
  if first then
    return string.sub(windows, 1, first) .. number .. text_of(add_text(counts, text)) .. string.sub(windows, last + 1)
  end
  windows = string.gsub(windows, ',(%d+)[?-~]*', function(each) return tonumber(each) <= number - kept and '' or nil end)
  return windows .. ',' .. number .. text_of(counts)
end

local function add_windows(windows, added, kept)
  for number, counts in pairs(added) do windows = add_window(windows, number, counts, kept) end
  return windows
end

-- Reads everything, with what is recent added: a list of { name, text }, first that of the queue.
local function read_statistics()
  local read = call('MGET', stats, stats_recent)
  local stored, recent = read[1] or '\n;;\n', read[2] or ''
  local lines, by_name = {}, {}
  local function push_line(name, text)
    by_name[name] = { name = name, text = text }
    push(lines, by_name[name])
    return by_name[name]
  end
  local at = 1
  while at <= #stored do
    local name_ends = string.find(stored, '\n', at, true)
    local ends = string.find(stored, '\n', name_ends + 1, true)
    push_line(string.sub(stored, at, name_ends - 1), string.sub(stored, name_ends + 1, ends - 1))
    at = ends + 1
  end

  local changed = {}
  local function line_of(name)
    local line = by_name[name] or (#lines > NAMES_KEPT and by_name[OTHERS])
      or push_line(#lines > NAMES_KEPT and OTHERS or name, ';;')
    if not line.totals then
      line.totals, line.latest, line.past = {}, {}, {}
      push(changed, line)
    end
    return line
  end
  local function increase_in(windows, number, counter, by)
    windows[number] = windows[number] or {}
    increase(windows[number], counter, by)
  end

  local minute
  local function add_recent(line, counts)
    local is_queue = line.name == ''
    local ten, hour, day = math.floor(minute / 10), math.floor(minute / 60), math.floor(minute / 1440)
    for counter, by in pairs(counts) do
      local pace = counter - COUNTERS
      if counter < OUTCOMES or (is_queue and (counter < SLOWEST or counter >= PACES_END)) then
        increase(line.totals, counter, by)
      end
      if not is_queue then
        increase_in(line.latest, ten, counter, by)
        increase_in(line.past, day, counter, by)
      elseif pace < 0 then
        if counter < OUTCOMES then increase_in(line.latest, minute, counter, by) end
        increase_in(line.past, hour, counter, by)
      elseif counter < PACES_END then
        increase_in(line.latest, minute - math.floor(pace / PACES), OUTCOMES + pace % PACES, by)
      end
    end
  end
  for text in string.gmatch(recent, '[^\n]+') do
    local counts, name = string.match(text, '^([?-~]+) (.*)$')
    if counts then add_recent(line_of(name), add_text({}, counts)) end
    minute = tonumber(string.match(text, '^%d+$')) or minute
  end

  for _, line in ipairs(changed) do
    local is_queue = line.name == ''
    local totals, latest, past = string.match(line.text, '^([^;]*);([^;]*);(.*)$')
    line.text = table.concat({
      text_of(add_text(line.totals, totals)),
      add_windows(latest, line.latest, is_queue and MINUTES_KEPT or TENS_KEPT),
      add_windows(past, line.past, is_queue and HOURS_KEPT or DAYS_KEPT),
    }, ';')
  end
  return lines, tonumber(string.match(recent, '^#(%d+)')) or 0
end

-- Counts lines of 'COUNTS NAME'. What is recent then begins with how often it was added to `stats`: so it is never the
-- same twice, and whoever watches the queue reads only that.
local function count_up(now, added)
  if call('APPEND', stats_recent, math.floor(now / 60000) .. '\n' .. added) < MOST_RECENT then return end
  local lines, times = read_statistics()
  local texts = {}
  for _, line in ipairs(lines) do push(texts, line.name, line.text) end
  call('MSET', stats, table.concat(texts, '\n') .. '\n', stats_recent, '#' .. times + 1 .. '\n')
  -- Completed jobs have expired by then; their order has not.
  if not OWN_EXPIRY then call('ZREMRANGEBYSCORE', done_order, '-inf', '(' .. whole(now - 3600000)) end
end

-- Counts something of the queue that happened so often.
local function count_one(now, counter, by)
  count_up(now, text_of({ [counter] = by }) .. ' \n')
end

-- Adds the metrics of all job types to a reply: names, and their texts up to the windows that are not wanted.
local function push_names(reply, lines, with_days)
  for i = 2, #lines do
    local line = lines[i]
    local text = with_days and line.text or string.match(line.text, '^[^;]*;[^;]*')
    push(reply, line.name == OTHERS and '' or line.name, text)
  end
end
