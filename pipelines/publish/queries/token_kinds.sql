-- Tokens of each kind by day of the window.
select
    (charge_date - (select window_first from period))::integer as day_index,
    sum(input_tokens)::bigint as input_tokens,
    sum(cached_input_tokens)::bigint as cached_input_tokens,
    sum(cache_write_5m_tokens + cache_write_1h_tokens)::bigint as cache_write_tokens,
    sum(audio_input_tokens + audio_output_tokens)::bigint as audio_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(training_tokens)::bigint as training_tokens
from spend
group by charge_date
order by charge_date;
