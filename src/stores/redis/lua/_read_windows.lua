-- Reads numbers and windows from a part of `stats`.

-- A number of so many bytes; behind the end all are 0.
local function number_at(text, at, size)
  local number = 0
  for i = at + 1, at + size do number = number * 256 + (string.byte(text, i) or 0) end
  return number
end

-- The figures of some windows together, with commas in between; '' if there are none.
local function figures_of(text, window, from, first, last)
  local sums, found = {}, 0
  for figure = 1, FIGURES do sums[figure] = 0 end
  for number = first, last do
    local at = from + window.at + number % window.kept * WINDOW_BYTES
    for figure = 1, FIGURES do
      local from_here = at + (figure - 1) * FIGURE_BYTES
      -- Most have never been written: then which window it is would be 0 as well.
      if (string.byte(text, from_here + 1) or 0) > 0 then
        local pair = number_at(text, from_here, FIGURE_BYTES)
        local count = pair % window.values
        if (pair - count) / window.values == number then sums[figure], found = sums[figure] + count, found + count end
      end
    end
  end
  if found == 0 then return '' end
  for figure = 1, FIGURES do
    if sums[figure] == 0 then sums[figure] = '' end
  end
  return table.concat(sums, ',')
end

-- The members of `due` that say where the names are.
local function read_marks()
  return call('ZRANGE', due, whole(NAMED), '+inf', 'BYSCORE', 'WITHSCORES')
end

-- Adds the figures of all names, whose places are among these members, to an answer (figures.lua).
local function push_names(reply, members, text, names_at, days)
  local ten, day = math.floor(now / TENS.ms), math.floor(now / DAYS.ms)
  local function push_figures(name, place)
    local from, totals = names_at + place * NAME_BYTES, {}
    for figure = 1, 3 do totals[figure] = number_at(text, from + TOTALS_AT + (figure - 1) * FIGURE_BYTES, FIGURE_BYTES) end
    push(reply, name, table.concat(totals, ','), figures_of(text, TENS, from, ten - TENS.kept + 1, ten))
    for number = day - days + 1, day do push(reply, figures_of(text, DAYS, from, number, number)) end
  end
  for i = 1, #members, 2 do
    local name = tonumber(members[i + 1]) >= NAMED and string.sub(members[i], #NAME + 1) or ''
    if name ~= '' then push_figures(name, place_of(members[i + 1])) end
  end
  if #text > names_at + MOST_NAMES * NAME_BYTES then push_figures('', MOST_NAMES) end
end
