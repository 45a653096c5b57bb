#!/usr/bin/env escript
%% erlang-megaco as one end of a control association, told what to do and asked what to answer by lines. Transactions, encoding,
%% timers and transport are megaco's; the commands are H.248 text on both sides of the pipe, whose meaning is the test's.
%%
%%   peer.escript udp|tcp HOST PORT pretty|compact MID                   MID: a device name. PORT 0 (UDP only): any
%%   peer.escript udp|tcp HOST PORT pretty|compact MID TO_HOST TO_PORT   connects at first (an MG)
%%
%% In (TEXT is base64 of a whole message, of which the actions are taken):
%%   request TAG TEXT      a request to the peer that was heard last, or that was connected to
%%   reply TAG TEXT        the answer to a request of the peer
%%   version N             of what we encode from now on, to peers too that are there already
%% Out:
%%   listening PORT
%%   connected N                    the first message of a peer, headed MEGACO/N
%%   request TAG N TEXT             the peer's request in a message headed MEGACO/N; wants reply TAG
%%   reply TAG TEXT                 to a request of ours; or: refused TAG CODE, failed TAG REASON
%%   trouble WHAT                   anything megaco complains of
%%! +S 1 -kernel error_logger false
-mode(compile).
-export([handle_connect/2, handle_connect/3, handle_disconnect/3, handle_syntax_error/3, handle_syntax_error/4, handle_message_error/3,
         handle_message_error/4, handle_trans_request/3, handle_trans_request/4, handle_trans_long_request/3,
         handle_trans_reply/4, handle_trans_reply/5, handle_trans_ack/4, handle_trans_ack/5, handle_unexpected_trans/3,
         handle_unexpected_trans/4, handle_trans_request_abort/4, handle_trans_request_abort/5]).

main([Transport, Host, Port, Style, Mid | To]) ->
    {ok, Address} = inet:parse_address(Host),
    Peer = case To of [] -> none; [PeerHost, PeerPort] -> {PeerHost, list_to_integer(PeerPort)} end,
    run(list_to_atom(Transport), {Address, list_to_integer(Port)}, Style, Mid, Peer).

run(Transport, Own, Style, Name, Peer) ->
    register(teller, self()),
    ok = megaco:start(),
    Self = {deviceName, Name},
    Codec = list_to_atom("megaco_" ++ Style ++ "_text_encoder"),
    Send = list_to_atom("megaco_" ++ atom_to_list(Transport)),
    ok = megaco:start_user(Self, [{user_mod, ?MODULE}, {encoding_mod, Codec}, {encoding_config, []}, {send_mod, Send},
                                  {strict_version, false}, {request_timer, {megaco_incr_timer, 500, 2, 0, 5}},
                                  {reply_timer, 30000}, {pending_timer, 10000}, {sent_pending_limit, 20}]),
    Receive = megaco:user_info(Self, receive_handle),
    warm_up(Codec),
    {ok, Sup} = Send:start_transport(),
    put(connection, listen(Transport, Sup, Own, Receive, Peer)),
    Teller = self(),
    spawn_link(fun() -> read(Teller) end),
    loop(Self, Codec, 1).

listen(udp, Sup, {Own, Port}, Receive, Peer) ->
    {ok, Socket, Pid} = megaco_udp:open(Sup, [{port, Port}, {udp_options, [{ip, Own}]}, {receive_handle, Receive}]),
    {ok, Bound} = inet:port(megaco_udp:socket(Socket)),
    say("listening ~w", [Bound]),
    case Peer of
        none -> none;
        {Host, PeerPort} ->
            {ok, Address} = inet:parse_address(Host),
            connect(Receive, megaco_udp:create_send_handle(Socket, Address, PeerPort), Pid)
    end;
listen(tcp, Sup, {Own, Port}, Receive, none) ->
    ok = megaco_tcp:listen(Sup, [{port, Port}, {tcp_options, [{ip, Own}]}, {receive_handle, Receive}]),
    say("listening ~w", [Port]),
    none;
listen(tcp, Sup, _, Receive, {Host, PeerPort}) ->
    {ok, Handle, Pid} = megaco_tcp:connect(Sup, [{host, Host}, {port, PeerPort}, {receive_handle, Receive}]),
    say("listening 0", []),
    connect(Receive, Handle, Pid).

connect(Receive, Send, Pid) ->
    {ok, Connection} = megaco:connect(Receive, preliminary_mid, Send, Pid),
    Connection.

read(Teller) ->
    case io:get_line("") of
        eof -> halt(0);
        Line -> Teller ! {line, string:lexemes(Line, " \n")}, read(Teller)
    end.

say(Format, Values) -> io:put_chars([io_lib:format(Format, Values), $\n]).

%% Requests of the peer that wait for an answer are in the process dictionary, by tag.
loop(Self, Codec, Version) ->
    receive
        {line, ["request", Tag, Text]} ->
            case get(connection) of
                none -> say("failed ~s nobody is there", [Tag]);
                Connection ->
                    megaco:update_conn_info(Connection, protocol_version, Version),
                    case megaco:cast(Connection, [actions(Codec, Text)], [{reply_data, Tag}]) of
                        ok -> ok;
                        Wrong -> say("failed ~s ~0p", [Tag, Wrong])
                    end
            end,
            loop(Self, Codec, Version);
        {line, ["reply", Tag, Text]} ->
            From = erase({asked, Tag}),
            From ! {answer, Version, actions(Codec, Text)},
            loop(Self, Codec, Version);
        {line, ["version", N]} -> loop(Self, Codec, list_to_integer(N));
        {connected, Connection, N} ->
            put(connection, Connection),
            say("connected ~w", [N]),
            loop(Self, Codec, Version);
        {asked, From, Connection, N, Actions} ->
            put(connection, Connection),
            Tag = integer_to_list(erlang:unique_integer([positive])),
            put({asked, Tag}, From),
            say("request ~s ~w ~s", [Tag, N, text(Codec, N, Self, {transactionRequest, {'TransactionRequest', 1, Actions}})]),
            loop(Self, Codec, Version);
        {answered, Tag, {ok, Replies}} ->
            Reply = {transactionReply, {'TransactionReply', 1, asn1_NOVALUE, {actionReplies, Replies}, asn1_NOVALUE, asn1_NOVALUE}},
            say("reply ~s ~s", [Tag, text(Codec, Version, Self, Reply)]),
            loop(Self, Codec, Version);
        {answered, Tag, {error, {'ErrorDescriptor', Code, _}}} -> % of the whole transaction
            say("refused ~s ~w", [Tag, Code]),
            loop(Self, Codec, Version);
        {answered, Tag, {error, Reason}} ->
            say("failed ~s ~0p", [Tag, Reason]),
            loop(Self, Codec, Version);
        {trouble, What} ->
            say("trouble ~s", [re:replace(io_lib:format("~0P", [What, 40]), "\\s+", " ", [global])]),
            loop(Self, Codec, Version)
    end.

%% Code is loaded when it is first used, which takes longer than a peer waits for a reply.
warm_up(Codec) ->
    [begin
         Text = ["MEGACO/", integer_to_list(V), " warm\nTransaction = 1 { Context = - { ServiceChange = ROOT { Services { Method = Restart, Reason = \"901 Cold Boot\" } } } }"],
         {ok, Message} = Codec:decode_message([], dynamic, iolist_to_binary(Text)),
         {ok, _} = Codec:encode_message([], V, Message)
     end || V <- [1, 3]].

%% The actions of the one transaction in a message.
actions(Codec, Text) ->
    {ok, {'MegacoMessage', _, {'Message', _, _, {transactions, [Transaction]}}}} =
        Codec:decode_message([], dynamic, base64:decode(Text)),
    case Transaction of
        {transactionRequest, {'TransactionRequest', _, Actions}} -> Actions;
        {transactionReply, Reply} -> element(2, element(4, Reply))
    end.

text(Codec, Version, Self, Transaction) ->
    Message = {'MegacoMessage', asn1_NOVALUE, {'Message', Version, Self, {transactions, [down(Version, Transaction)]}}},
    {ok, Bin} = Codec:encode_message([], Version, Message),
    base64:encode(Bin).

%% Records of version 3 have more members.
down(3, Transaction) -> Transaction;
down(_, {transactionReply, {'TransactionReply', Id, Ack, Result, _, _}}) -> {transactionReply, {'TransactionReply', Id, Ack, Result}};
down(_, Transaction) -> Transaction.

tell(What) ->
    teller ! What,
    ok.

handle_connect(Connection, Version) -> tell({connected, Connection, Version}), ok.
handle_connect(Connection, Version, _) -> handle_connect(Connection, Version).
handle_disconnect(_, _, Reason) -> tell({trouble, {disconnected, Reason}}), ok.
handle_syntax_error(_, _, Error) -> tell({trouble, {syntax, Error}}), no_reply.
handle_syntax_error(Handle, Version, Error, _) -> handle_syntax_error(Handle, Version, Error).
handle_message_error(_, _, Error) -> tell({trouble, {message, Error}}), no_reply.
handle_message_error(Connection, Version, Error, _) -> handle_message_error(Connection, Version, Error).
handle_trans_request(Connection, Version, Actions) ->
    tell({asked, self(), Connection, Version, Actions}),
    receive
        {answer, Agreed, Replies} ->
            megaco:update_conn_info(Connection, protocol_version, Agreed),
            {discard_ack, Replies}
    end.
handle_trans_request(Connection, Version, Actions, _) -> handle_trans_request(Connection, Version, Actions).
handle_trans_long_request(_, _, _) -> {discard_ack, []}.
handle_trans_reply(_, _, {ok, {_, Replies}}, Tag) -> tell({answered, Tag, {ok, Replies}});
handle_trans_reply(_, _, {ok, Replies}, Tag) -> tell({answered, Tag, {ok, Replies}});
handle_trans_reply(_, _, {error, Reason}, Tag) -> tell({answered, Tag, {error, Reason}}).
handle_trans_reply(Connection, Version, Reply, Tag, _) -> handle_trans_reply(Connection, Version, Reply, Tag).
handle_trans_ack(_, _, _, _) -> ok.
handle_trans_ack(_, _, _, _, _) -> ok.
handle_unexpected_trans(_, _, What) -> tell({trouble, {unexpected, What}}), ok.
handle_unexpected_trans(Connection, Version, What, _) -> handle_unexpected_trans(Connection, Version, What).
handle_trans_request_abort(_, _, _, _) -> ok.
handle_trans_request_abort(_, _, _, _, _) -> ok.
