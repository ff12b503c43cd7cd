-- Counts what an exchange settles. The caller sends it as if all outcomes were accepted: `metrics` is lines of counts
-- (_statistics.lua), that of the queue and one for each name. `each` is what each outcome adds, as
-- 'NAME:WAITED:RAN:COUNTER,...;', with the number of its name, and 0 for none.

-- The lines without what was refused.
local function accepted_metrics()
  local names, lines = {}, {}
  for name in string.gmatch(metrics, ' ([^\n]*)\n') do
    push(names, name)
    push(lines, {})
  end
  local i = 0
  for name, waited, ran, counters in string.gmatch(each, '(%d+):(%d+):(%d+):([%d,]*);') do
    i = i + 1
    if accepted[i] then
      local queue, named = lines[1], name ~= '0' and lines[1 + name] or {}
      for text in string.gmatch(counters, '%d+') do
        local counter = tonumber(text)
        increase(queue, counter, 1)
        if counter < COUNTERS then increase(named, counter, 1) end
      end
      for which, ms in ipairs({ tonumber(waited), tonumber(ran) }) do
        increase(queue, SLOWEST + which - 1, ms)
        increase(named, SLOWEST + which - 1, ms)
        increase(queue, WAITED + which - 1, ms)
      end
    end
  end
  local texts = {}
  for n, counts in ipairs(lines) do
    local text = text_of(counts)
    if text ~= '' then push(texts, text .. ' ' .. names[n] .. '\n') end
  end
  return table.concat(texts)
end

function tally()
  local added = metrics
  if added ~= '' and settled_now < #ids then added = accepted_metrics() end
  if added ~= '' then count_up(now, added) end
end
