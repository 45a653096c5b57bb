#!/usr/bin/env escript
%% How much faster than Erlang's megaco are the same messages decoded? Both in one run, turn by turn, in CPU time:
%%   tests/bench/h248_beside_megaco.escript build/bin/bench_h248_text
%% The messages are the benchmark's own. megaco decodes the Add with its pretty and the Notify with its compact decoder, with the
%% scanner that it uses by itself, written in Erlang, and with the one in C that a user may start, where that is installed.
-mode(compile).

-define(ROUNDS, 5).

main([Bench]) ->
    Folder = string:trim(os:cmd("mktemp -d")),
    "0" = string:trim(os:cmd(quoted(Bench) ++ " --texts " ++ quoted(Folder) ++ "; echo $?")),
    Scanners = [{"Erlang", []} | [{"C", C} || C <- [scanner()], C =/= []]],
    Texts = [{"add", megaco_pretty_text_encoder, "parse_one/add"}, {"notify", megaco_compact_text_encoder, "parse_one/notify"}],
    lists:foreach(
        fun({{Name, Decoder, Filter}, {Language, Scanner}}) ->
            {ok, Text} = file:read_file(filename:join(Folder, Name ++ ".txt")),
            Decode = fun() -> {ok, _} = Decoder:decode_message(Scanner, dynamic, Text) end,
            repeat(2000, Decode),
            Pairs = [{megaco(Decode), agw(Bench, Filter)} || _ <- lists:seq(1, ?ROUNDS)],
            {Theirs, Ours} = {median([T || {T, _} <- Pairs]), median([O || {_, O} <- Pairs])},
            Ratio = median([T / O || {T, O} <- Pairs]),
            io:format("~-6s ~5w bytes, scanner in ~-6s: megaco ~8.2f us, agw ~6.3f us, ratio ~6.1f~n",
                      [Name, byte_size(Text), Language, Theirs, Ours, Ratio])
        end,
        [{Text, Scanner} || Text <- Texts, Scanner <- Scanners]),
    lists:foreach(fun(Name) -> file:delete(filename:join(Folder, Name)) end, ["add.txt", "notify.txt"]),
    file:del_dir(Folder);
main(_) ->
    io:format(standard_error, "usage: h248_beside_megaco.escript BENCH_H248_TEXT~n", []),
    halt(2).

scanner() ->
    try megaco_flex_scanner:start() of
        {ok, Port} -> [{flex, Port}];
        _ -> []
    catch
        _:_ -> []
    end.

%% Microseconds of CPU a message.
megaco(Decode) ->
    N = 20000,
    {Before, _} = erlang:statistics(runtime),
    repeat(N, Decode),
    {After, _} = erlang:statistics(runtime),
    (After - Before) * 1000 / N.

agw(Bench, Filter) ->
    Out = os:cmd(quoted(Bench) ++ " --benchmark_filter='^" ++ Filter ++ "$' --benchmark_format=csv 2>/dev/null"),
    [Line] = [L || L <- string:split(Out, "\n", all), string:find(L, Filter) =/= nomatch],
    [_Name, _Iterations, _Real, Cpu | _] = string:split(Line, ",", all),
    list_to_float(Cpu) / 1000.

repeat(0, _) -> ok;
repeat(N, F) -> F(), repeat(N - 1, F).

median(List) -> lists:nth((length(List) + 1) div 2, lists:sort(List)).

quoted(Text) -> "'" ++ Text ++ "'".
