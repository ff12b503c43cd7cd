-- Reads windows from a part of `stats`.

-- A number of 48 bits; 0 behind the end.
local function number_at(text, at)
  local a, b, c, d, e, f = string.byte(text, at + 1, at + FIGURE_BYTES)
  if not f then return 0 end
  return ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
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
        local pair = number_at(text, from_here)
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
