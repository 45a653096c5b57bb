# Where the programs' own files go, and the Debian packages that CPack makes of them: `cpack --config build/CPackConfig.cmake`.
#
# Two packages. agw-server is the gateway as a service: with its user, unit and configuration. agw-tools has agw-h248, which is wanted on desks without
# a gateway, and agw-controller, which must not come along to a gateway in service: who reaches its page places calls. The libraries are the component
# `development`, which is installed from source: their users compile with the same compiler and Boost.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # a package needs the programs, not the tests

# agw_manual(agw-server 8 COMPONENT server): the page and the completion beside a program's sources.
function(agw_manual name section)
  cmake_parse_arguments(ARG "" "COMPONENT" "" ${ARGN})
  set(page "${CMAKE_CURRENT_BINARY_DIR}/${name}.${section}.gz")
  find_program(AGW_GZIP gzip REQUIRED)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}.${section}")
  execute_process(COMMAND "${AGW_GZIP}" -9nc "${CMAKE_CURRENT_SOURCE_DIR}/${name}.${section}" OUTPUT_FILE "${page}" COMMAND_ERROR_IS_FATAL ANY)
  install(FILES "${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT ${ARG_COMPONENT})
  install(FILES "${name}.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME ${name} COMPONENT ${ARG_COMPONENT})
endfunction()

# The service's files: apps/server/service, configuration, guide, rules and dashboard.
function(agw_install_service)
  set(source "${CMAKE_CURRENT_SOURCE_DIR}")
  install(CODE "set(SOURCE \"${source}\")\nset(WORK \"${CMAKE_CURRENT_BINARY_DIR}/service\")\nset(SBINDIR \"${CMAKE_INSTALL_SBINDIR}\")" COMPONENT server)
  install(SCRIPT "${source}/service/install.cmake" COMPONENT server)
  install(FILES agw-server.toml DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/agw-server/examples" COMPONENT server)
  file(GLOB guide CONFIGURE_DEPENDS "${source}/docs/*.md")
  install(FILES ${guide} DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/agw-server" COMPONENT server)
  install(FILES docs/prometheus/agw.rules.yml DESTINATION "${CMAKE_INSTALL_DATADIR}/agw-server/prometheus" COMPONENT server)
  install(FILES docs/grafana/agw.json DESTINATION "${CMAKE_INSTALL_DATADIR}/agw-server/grafana" COMPONENT server)
endfunction()

if(PROJECT_IS_TOP_LEVEL)
  foreach(package IN ITEMS server tools)
    install(FILES "${PROJECT_SOURCE_DIR}/cmake/debian/copyright" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/agw-${package}" COMPONENT ${package})
  endforeach()
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGE_NAME agw)
  set(CPACK_PACKAGE_VENDOR agw)
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "IMS media gateway for WebRTC data channels (eIMS-AGW)")
  set(CPACK_PACKAGE_CONTACT "agw developers <agw@localhost>")
  set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
  # Absolute places (/etc) need DESTDIR.
  set(CPACK_SET_DESTDIR ON)
  set(CPACK_INSTALL_PREFIX /usr)
  set(CPACK_STRIP_FILES ON)
  set(CPACK_COMPONENTS_ALL server tools)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
  set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

  set(CPACK_DEBIAN_SERVER_PACKAGE_NAME agw-server)
  set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION comm)
  set(CPACK_COMPONENT_SERVER_DESCRIPTION "agw-server, the media gateway as a service, lets web browsers into an IMS core:
a controller opens connection points over H.248, the gateway ends ICE, DTLS and
SCTP towards the browser and relays its data channels as MSRP over TCP or TLS.")
  # What makes the user, and the unit's kill.
  set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS "systemd | systemd-sysusers, procps")
  set(CPACK_DEBIAN_SERVER_PACKAGE_SUGGESTS "agw-tools, prometheus")
  set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA)
  foreach(file IN ITEMS conffiles postinst prerm postrm)
    list(APPEND CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/cmake/debian/${file}")
  endforeach()

  set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME agw-tools)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION comm)
  set(CPACK_COMPONENT_TOOLS_DESCRIPTION "agw-h248 checks, prints and follows H.248 (Megaco) messages of files and
captures. agw-controller is a small media gateway controller with a chat page,
to try agw-server with; it asks nobody for a password.")
  include(CPack)
endif()
