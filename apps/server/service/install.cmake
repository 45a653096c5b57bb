# Runs at `cmake --install`: what a service needs in places that depend on where agw goes. With /usr the configuration is in /etc/agw; below
# /opt/X in /etc/opt/X; elsewhere in PREFIX/etc/agw. SOURCE is apps/server, WORK a folder for files on their way.
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr/?$")
  set(folder "/etc/agw")
elseif(CMAKE_INSTALL_PREFIX MATCHES "^/opt/")
  set(folder "/etc${CMAKE_INSTALL_PREFIX}")
else()
  set(folder "${CMAKE_INSTALL_PREFIX}/etc/agw")
endif()
set(program "${CMAKE_INSTALL_PREFIX}/${SBINDIR}/agw-server")
set(configuration "${folder}/agw-server.toml")
set(documentation "${CMAKE_INSTALL_PREFIX}/share/doc/agw-server")

set(instance "")
configure_file("${SOURCE}/service/agw-server.service.in" "${WORK}/agw-server.service" @ONLY)
# agw-server@b runs with b.toml: two gateways side by side, see drain.md.
set(instance " %i")
set(configuration "${folder}/%i.toml")
configure_file("${SOURCE}/service/agw-server.service.in" "${WORK}/agw-server@.service" @ONLY)
set(configuration "${folder}/agw-server.toml")
configure_file("${SOURCE}/service/sysusers.conf" "${WORK}/agw-server.conf" COPYONLY)
file(INSTALL "${WORK}/agw-server.service" "${WORK}/agw-server@.service" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
file(INSTALL "${WORK}/agw-server.conf" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/sysusers.d")
# The operator's own file stays.
if(EXISTS "$ENV{DESTDIR}${configuration}")
  message(STATUS "Kept: ${configuration}")
else()
  file(INSTALL "${SOURCE}/agw-server.toml" DESTINATION "${folder}")
endif()
