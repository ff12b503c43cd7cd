-- Reads what was settled in each hour of the queue.
-- @arg first number  since 1970
-- @reply text  windows, as in _statistics.lua
-- include: _statistics.lua
local windows = {}
for number, counts in string.gmatch(string.match(read_statistics()[1].text, '[^;]*$'), ',(%d+)([^,]*)') do
  if tonumber(number) >= first then push(windows, ',', number, counts) end
end
return table.concat(windows)
