-- Reads what was settled in each of the last hours.
-- @arg now number, hours number
-- @reply rows(hour:number counts)  those in which something was settled, with counts as in figures.lua
-- include: _windows.lua
local text = call('GETRANGE', stats, HOURS_AT, NAMES_AT - 1)
-- include: _read_windows.lua
local reply = {}
local last = math.floor(now / HOURS.ms)
for number = last - hours + 1, last do
  local counts = counts_of(text, HOURS, -HOURS_AT, number, number)
  if counts ~= '' then push(reply, number, counts) end
end
return reply
