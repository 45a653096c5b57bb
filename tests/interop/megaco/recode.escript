#!/usr/bin/env escript
%% Reads messages (4 bytes of length, then the text) from IN, decodes each with megaco's text codec and writes to OUT for each: a
%% byte (1 = decoded and encoded again), 4 bytes of length, and the compact text or the reason. Then prints its speed.
%%! +S 1
main([In, Out]) ->
    {ok, Bin} = file:read_file(In),
    {ok, To} = file:open(Out, [write, raw, binary, delayed_write]),
    each(Bin, To),
    ok = file:close(To);
main(["bench", File, Rounds]) ->
    {ok, Bin} = file:read_file(File),
    N = list_to_integer(Rounds),
    {ok, _} = decode(Bin),
    {Before, _} = erlang:statistics(runtime),
    loop(N, Bin),
    {After, _} = erlang:statistics(runtime),
    io:format("~.3f~n", [(After - Before) * 1000 / N]).

loop(0, _) -> ok;
loop(N, Bin) -> {ok, _} = decode(Bin), loop(N - 1, Bin).

decode(Bin) -> megaco_compact_text_encoder:decode_message([], dynamic, Bin).

each(<<>>, _) -> ok;
each(<<Length:32, Text:Length/binary, Rest/binary>>, To) ->
    {Good, Result} =
        try decode(Text) of
            {ok, Message} ->
                Version = element(2, element(3, Message)),
                case megaco_compact_text_encoder:encode_message([], Version, Message) of
                    {ok, Again} -> {1, Again};
                    {error, Reason} -> {0, told(encode, Reason)}
                end;
            {error, Reason} -> {0, told(decode, Reason)}
        catch
            Class:Error -> {0, told(Class, Error)}
        end,
    ok = file:write(To, [<<Good, (byte_size(Result)):32>>, Result]),
    each(Rest, To).

told(Stage, Reason) -> iolist_to_binary(io_lib:format("~0p: ~0P", [Stage, Reason, 30])).
