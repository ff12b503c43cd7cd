-- Reads figures by name.
-- ARGV: now, how many days
-- Returns: for each name: name ('' for all that have none of their own), its totals, figures of the last hour, and of each of the last
--   days, today last. Figures are counts with commas in between, '' for 0.
local now, days = tonumber(ARGV[1]), tonumber(ARGV[2])
-- include: _windows.lua
local marks = call('ZRANGE', due, whole(NAMED), '+inf', 'BYSCORE', 'WITHSCORES')
local text = call('GETRANGE', stats, NAMES_AT, -1)
-- include: _read_windows.lua

local reply = {}
local function push_figures(name, place)
  local from = place * NAME_BYTES
  local totals, ten, day = {}, math.floor(now / TENS.ms), math.floor(now / DAYS.ms)
  for figure = 1, 3 do totals[figure] = number_at(text, from + TOTALS_AT + (figure - 1) * FIGURE_BYTES) end
  push(reply, name, table.concat(totals, ','), figures_of(text, TENS, from, ten - TENS.kept + 1, ten))
  for number = day - days + 1, day do push(reply, figures_of(text, DAYS, from, number, number)) end
end
for i = 1, #marks, 2 do
  if marks[i] ~= NAME then push_figures(string.sub(marks[i], #NAME + 1), place_of(marks[i + 1])) end
end
if #text > MOST_NAMES * NAME_BYTES then push_figures('', MOST_NAMES) end
return reply
