-- Children that are removed from the dead-letter queue.

-- Returns the marks of those dead jobs that are children. It also moves their parents, if nothing else of them is left.
-- An id may come twice.
local function drop_dead(ids, now)
  local marks = {}
  local leaving = {}
  local parents = {}
  local adding = {}
  local seen = {}
  for _, id in ipairs(ids) do
    if not seen[id] and parent_of(id) then push(marks, CHILD .. id) end
    seen[id] = true
  end
  for i, score in ipairs(read_many('ZMSCORE', dead, marks)) do
    local parent = parent_of(string.sub(marks[i], #CHILD + 1))
    if score then
      if not family_of[parent] then
        family_of[parent] = { id = parent, number = (-tonumber(score) - FAMILIES) / 16, dropped = 0 }
        push(families, family_of[parent])
        push(parents, parent)
      end
      family_of[parent].dropped = family_of[parent].dropped + 1
      push(leaving, marks[i])
    end
  end
  for i, score in ipairs(read_many('ZMSCORE', due, parents)) do
    local number = families[i].number
    if is_unclaimed(score) and tonumber(score) > now * 1024 and count_children(due, family_score(number)) == 0 then
      push(adding, whole(now * 1024), parents[i])
    end
  end
  call_many('ZADD', due, adding)
  return leaving
end
