-- Children that are removed from the dead-letter queue.

-- Returns the marks of those dead jobs that are children. It also moves their parents, if nothing else of them is left.
-- An id may come twice.
local function drop_dead(ids, now)
  local members = {}
  local marks = {}
  local adding = {}
  local seen = {}
  for _, id in ipairs(ids) do
    local parent = not seen[id] and parent_of(id)
    if parent then push(members, DIED .. id, parent) end
    seen[id] = true
  end
  local scores = read_many('ZMSCORE', due, members)
  for i = 1, #members, 2 do
    local parent = members[i + 1]
    if scores[i] then
      local family = family_of[parent]
      if not family then
        family = { id = parent, number = number_of(scores[i]), score = scores[i + 1], dropped = 0 }
        family_of[parent] = family
        push(families, family)
      end
      family.dropped = family.dropped + 1
      push(marks, members[i])
    end
  end
  local released = {}
  for _, family in ipairs(families) do
    local waits = is_unclaimed(family.score) and tonumber(family.score) > now * 1024
    if waits and count_marks(family_score(family.number)) == 0 then push(released, family.id) end
  end
  move_parents(released, adding, now)
  call_many('ZADD', due, adding)
  return marks
end
