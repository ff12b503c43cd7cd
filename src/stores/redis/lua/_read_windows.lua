-- Reads numbers and windows from a part of `stats`.

-- A number of so many bytes; behind the end all are 0.
local function number_at(text, at, size)
  local number = 0
  for i = at + 1, at + size do number = number * 256 + (string.byte(text, i) or 0) end
  return number
end

-- Adds the counts of a window to sums, by the bytes at which they begin.
local function add_counts(sums, text, window, from, number)
  local at = from + window.at + number % window.kept * window.bytes
  local part = string.sub(text, at + 1, at + window.bytes)
  local least = least_pair(window, number)
  for i = 1, #part, COUNTER_BYTES do
    -- Most have never been written.
    if string.byte(part, i) > 0 then
      local a, b, c, d, e, f = string.byte(part, i, i + COUNTER_BYTES - 1)
      local count = ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f - least
      local sum = sums[i] or 0
      if count > 0 and count <= MOST_COUNTED then
        sums[i] = i > SLOWEST * COUNTER_BYTES and math.max(sum, count) or sum + count
      end
    end
  end
end

-- The counts of some windows together, as 'COUNTER,COUNT,'; '' if there are none.
local function counts_of(text, window, from, first, last)
  local sums = {}
  local counts = {}
  for number = first, last do add_counts(sums, text, window, from, number) end
  for i, count in pairs(sums) do push(counts, (i - 1) / COUNTER_BYTES, count) end
  return table.concat(counts, ',')
end

-- The members of `due` whose scores say where the names are.
local function read_positions()
  return call('ZRANGE', due, whole(NAMED), '+inf', 'BYSCORE', 'WITHSCORES')
end

-- Adds the metrics of all names, whose positions are among these members, to a reply (figures.lua).
local function push_names(reply, members, text, names_at, days)
  local ten = math.floor(now / TENS.ms)
  local day = math.floor(now / DAYS.ms)
  local function push_name(name, position)
    local from = names_at + position * NAME_BYTES
    local totals = {}
    for counter = 0, OUTCOMES - 1 do
      push(totals, counter, number_at(text, from + counter * COUNTER_BYTES, COUNTER_BYTES))
    end
    local periods = { counts_of(text, TENS, from, ten - TENS.kept + 1, ten) }
    for number = day - days + 1, day do push(periods, counts_of(text, DAYS, from, number, number)) end
    push(reply, name, table.concat(totals, ','), table.concat(periods, ';'))
  end
  for i = 1, #members, 2 do
    local name = tonumber(members[i + 1]) >= NAMED and string.sub(members[i], #NAME + 1) or ''
    if name ~= '' then push_name(name, position_of(members[i + 1])) end
  end
  if #text > names_at + NAMES_KEPT * NAME_BYTES then push_name('', NAMES_KEPT) end
end
