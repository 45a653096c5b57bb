#!/usr/bin/env escript
%% Decodes every file of a folder with erlang-megaco's text decoder; tells the ones it refuses. usage: decode.escript FOLDER
main([Folder]) ->
  Results = [decode(F) || F <- lists:sort(filelib:wildcard(filename:join(Folder, "*")))],
  Refused = [R || {error, _, _} = R <- Results],
  [io:format("~s: ~p~n", [F, Why]) || {error, F, Why} <- Refused],
  io:format("~b decoded, ~b refused~n", [length(Results) - length(Refused), length(Refused)]),
  halt(case Refused of [] -> 0; _ -> 1 end).

decode(File) ->
  {ok, Bytes} = file:read_file(File),
  case megaco_compact_text_encoder:decode_message([], dynamic, Bytes) of
    {ok, _} -> ok;
    Other -> case megaco_pretty_text_encoder:decode_message([], dynamic, Bytes) of {ok, _} -> ok; _ -> {error, File, Other} end
  end.
