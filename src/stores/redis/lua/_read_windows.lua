-- Reads numbers and windows from a part of `stats`.

-- A number of so many bytes; behind the end all are 0.
local function number_at(text, at, size)
  local number = 0
  for i = at + 1, at + size do number = number * 256 + (string.byte(text, i) or 0) end
  return number
end

-- The counts of some windows together, with commas in between; '' if there are none.
local function counts_of(text, window, from, first, last)
  local sums = {}
  local found = 0
  for counter = 1, window.counters do sums[counter] = 0 end
  for number = first, last do
    local at = from + window.at + number % window.kept * window.bytes
    for counter = 1, window.counters do
      local from_here = at + (counter - 1) * COUNTER_BYTES
      -- Most have never been written: then which window it is would be 0 as well.
      if (string.byte(text, from_here + 1) or 0) > 0 then
        local pair = number_at(text, from_here, COUNTER_BYTES)
        local count = pair % window.values
        if (pair - count) / window.values == number then
          sums[counter] = sums[counter] + count
          found = found + count
        end
      end
    end
  end
  if found == 0 then return '' end
  for counter = 1, window.counters do
    if sums[counter] == 0 then sums[counter] = '' end
  end
  return table.concat(sums, ',')
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
    for counter = 1, OUTCOMES do
      totals[counter] = number_at(text, from + (counter - 1) * COUNTER_BYTES, COUNTER_BYTES)
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
