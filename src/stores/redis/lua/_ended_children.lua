-- The children among the outcomes of an exchange.
local ending = {}

-- Adds to members of `due` that are read those that report how the children and their parents are.
-- @param text for each outcome of a child: its number, a colon, what follows the parent's id in the id of the last
--   child of its parent, a semicolon.
function note_children(members, text)
  for number, last_child in string.gmatch(text, '(%d+):([^;]*);') do
    local i = tonumber(number)
    if i <= last.completed or i >= first.dead then
      push(ending, i)
      note_child(members, i, ids[i], last_child)
    end
  end
end

-- The marks of children leave with their leases. Those that die have another one before; those that expire are
-- dropped.
function end_children(stored, leaving, adding)
  for _, i in ipairs(ending) do
    local dies = i >= first.dead and i <= last.dead
    local family = accepted[i] and end_child(i, stored, leaving, dies and 'dead' or i > last.dead and 'dropped')
    if family and dies then push(adding, whole(family_score(family.number) + DIED_ABOVE), DIED .. ids[i]) end
  end
  release_parents(stored, adding, now)
end

count_dropped_children = count_dropped
