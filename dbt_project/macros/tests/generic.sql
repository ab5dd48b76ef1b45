{#- The few generic tests the project needs; dbt's package hub is not reachable for everyone. -#}

{% test unique_combination(model, columns) %}
select {{ columns | join(", ") }}, count(*) as copies
from {{ model }}
group by {{ columns | join(", ") }}
having count(*) > 1
{% endtest %}

{#- Keys of the days this run rebuilt: a year of history does not slow the test down. -#}
{% test unique_combination_in_touched_days(model, columns, day_column="usage_date") %}
    
select {{ columns | join(", ") }}, count(*) as copies
from {{ model }}
where {{ in_touched_days(day_column) }}
group by {{ columns | join(", ") }}
having count(*) > 1
{% endtest %}
